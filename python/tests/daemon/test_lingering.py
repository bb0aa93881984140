"""With no server records wait, one daemon of the spool waits with them, and everything arrives once there is one."""

import json
import socket

import pytest
from datacat.segment import EVENT, SegmentWriter
from datacat_daemon.spool.locks import FileLock

DIES = "for i in range(100):\n    session.log_event('n', {'i': i})\nsys.stdin.readline()\nos._exit(4)"
LIVES = "session.log_event('n', {'i': 0})\nsys.stdin.readline()\nos._exit(4)"


@pytest.fixture
def address():
    """A port where nobody listens until `start` is called."""
    return Address()


class Address:
    def __init__(self):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"


@pytest.fixture
def late_server(server_class, address):
    """Starts the server at the address; it is closed in the end."""
    started = []

    def start():
        started.append(server_class(address.port))
        return started[0]

    yield start
    for running in started:
        running.close()


def die(process):
    process.communicate("go\n")


def numbers(server, session):
    return [record["data"]["i"] for record in server.sessions[session]["records"] if record["kind"] == "event"]


def log_of(folder):
    path = folder / "daemon.log"
    return path.read_text() if path.exists() else ""


def test_everything_arrives_when_a_server_starts_at_last(bench, address, late_server, wait_for):
    process = bench.program(address.url, DIES)
    folder = bench.folder_of(process)
    daemon = bench.hasty_daemon(folder)
    wait_for(lambda: "refused" in log_of(folder).lower(), "a failed try")
    die(process)
    wait_for(lambda: "crashed" in log_of(folder), "the verdict")
    assert daemon.poll() is None
    server = late_server()
    bench.finish(daemon)
    assert numbers(server, next(iter(server.sessions))) == list(range(100))
    assert server.verdicts() == ["crashed"]
    assert bench.left() == []


def test_of_many_daemons_one_stays_and_delivers_for_all(bench, address, late_server, wait_for):
    processes = [bench.program(address.url, DIES) for _ in range(3)]
    folders = [bench.folder_of(process) for process in processes]
    daemons = [bench.hasty_daemon(folder) for folder in folders]
    for process in processes:
        die(process)
    wait_for(lambda: all("crashed" in log_of(folder) for folder in folders), "the verdicts")
    wait_for(lambda: sum(daemon.poll() is None for daemon in daemons) == 1, "all but one to leave")
    assert len(bench.left()) == 3
    server = late_server()
    for daemon in daemons:
        bench.finish(daemon)
    assert len(server.sessions) == 3
    for session in server.sessions:
        assert numbers(server, session) == list(range(100))
        assert server.verdicts(session) == ["crashed"]
    assert bench.left() == []


def test_a_process_that_lost_its_daemon_gets_another_one(bench, server, wait_for):
    orphan = bench.program(server.url, LIVES)
    first = bench.daemon(bench.folder_of(orphan))
    server.wait_for_session()
    first.kill()
    first.wait()
    other = bench.program(server.url, LIVES)
    second = bench.hasty_daemon(bench.folder_of(other))
    wait_for(lambda: f"[{second.pid}] looks after process" in log_of(bench.folder_of(orphan)), "the adoption")
    die(orphan)
    session = wait_for(lambda: next((s for s in server.sessions if server.verdicts(s)), None), "the verdict")
    assert server.sessions[session]["line"]["pid"] == orphan.pid
    assert server.records("status", session)[0]["data"]["exit_code"] == 4
    die(other)
    bench.finish(second)
    assert bench.left() == []


def test_a_verdict_that_one_daemon_wrote_is_not_written_again_by_the_next(bench, address, late_server, wait_for):
    process = bench.program(address.url, DIES)
    folder = bench.folder_of(process)
    first = bench.hasty_daemon(folder)
    wait_for(lambda: "refused" in log_of(folder).lower(), "a failed try")
    die(process)
    wait_for(
        lambda: any(b"exit_code" in file.read_bytes() for file in folder.rglob("*") if file.is_file()), "the verdict"
    )
    first.kill()
    first.wait()
    server = late_server()
    bench.finish(bench.hasty_daemon(folder))
    assert server.verdicts() == ["crashed"]
    assert server.records("status")[0]["data"]["exit_code"] == 4


def test_a_restart_of_the_machine_is_the_reason(bench, server):
    process = bench.program(server.url, DIES)
    folder = bench.folder_of(process)
    die(process)
    (path,) = folder.glob("*/manifest.json")
    path.write_text(json.dumps({**json.loads(path.read_text()), "boot_id": "another"}))
    bench.finish(bench.daemon(folder))
    assert server.records("status")[0]["reason"] == "the machine was restarted"


def test_odd_files_are_left_alone_and_stop_nobody(bench, server):
    process = bench.program(server.url, DIES)
    folder = bench.folder_of(process)
    die(process)
    for name, content in (("broken", "{"), ("odd", '{"format": 1}'), ("empty", "")):
        (folder / name).mkdir()
        (folder / name / "manifest.json").write_text(content)
    (folder / "file").touch()
    (own,) = (path for path in folder.glob("*/manifest.json") if len(path.parent.name) > 10)
    bad = folder / "bad-address"
    bad.mkdir()
    (bad / "manifest.json").write_text(json.dumps({**json.loads(own.read_text()), "server_url": "nowhere"}))
    bench.finish(bench.daemon(folder))
    assert server.verdicts() == ["crashed"]
    assert sorted(path.parent.name for path in folder.glob("*/manifest.json")) == [
        "bad-address",
        "broken",
        "empty",
        "odd",
    ]
    assert "broken is left alone: not JSON" in log_of(folder)


def test_what_the_server_will_not_have_stays_in_the_spool(bench, server):
    process = bench.program(server.url, DIES)
    folder = bench.folder_of(process)
    die(process)
    server.rejects = lambda lines: True
    bench.finish(bench.daemon(folder))
    assert [path.name for path in folder.glob("*/rejected/*")].count("session.json") == 1
    assert list(folder.glob("*/*.segment"))


def test_a_folder_without_a_session_is_cleared_away(bench):
    for name in ("999999-0-aa", "999999-12-bb"):
        (bench.spool / name).mkdir(parents=True)
        bench.finish(bench.daemon(bench.spool / name))
    assert bench.left() == []


DIES_WHILE_IT_REMOVES = """
import os
from pathlib import Path
listdir, unlink = os.listdir, Path.unlink
os.listdir = lambda *path: sorted(listdir(*path))
removed = []
def dying_unlink(path, **options):
    unlink(path, **options)
    removed.append(path)
    if len(removed) == %d:
        os._exit(9)
Path.unlink = dying_unlink
"""


@pytest.mark.parametrize("files", [1, 2, 3, 4])
def test_a_daemon_that_dies_while_it_removes_a_session_leaves_no_crash_behind(bench, server, files):
    process = bench.program(server.url, "session.log_event('n')\nsession.end()")
    folder = bench.folder_of(process)
    process.communicate()
    assert bench.daemon(folder, DIES_WHILE_IT_REMOVES % files).wait() == 9
    bench.finish(bench.daemon(folder))
    assert server.verdicts() == ["ended"]
    assert bench.left() == []


def test_a_long_backlog_is_read_in_portions_and_arrives_whole(bench, server):
    process = bench.program(server.url, "os._exit(0)")
    folder = bench.folder_of(process)
    process.wait()
    (session,) = (path.parent for path in folder.glob("*/manifest.json"))
    writer = SegmentWriter(str(session), f"{process.pid}-9")
    for number in range(60_000):
        writer.append(EVENT, 0, 1000 + number, b'{"name":"n","data":{"i":%d}}' % number)
    daemon = bench.daemon(folder)
    bench.finish(daemon)
    assert numbers(server, next(iter(server.sessions))) == list(range(60_000))


def test_a_look_at_the_lock_does_not_keep_a_daemon_from_its_folder(bench, server):
    process = bench.program(server.url, DIES)
    folder = bench.folder_of(process)
    die(process)
    lock = FileLock(folder / "daemon.lock")
    assert lock.take()
    release = "from datacat_daemon import daemon\nlook_after = daemon.Daemon.look_after\n"
    release += "def look(*arguments):\n    held = look_after(*arguments)\n    print(held, file=sys.stderr)\n"
    release += "    return held\ndaemon.Daemon.look_after = look"
    daemon = bench.daemon(folder, release)
    assert daemon.stderr.readline() == b"False\n"
    lock.release()
    bench.finish(daemon)
    assert server.verdicts() == ["crashed"]
