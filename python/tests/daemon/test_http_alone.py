"""The standalone daemon: where its settings come from, for how long it runs, and how it ends."""

import json
import os
import signal
import socket
import subprocess
import sys

import pytest
from datacat_daemon.watching.proc_stat import read_stat
from support.http_daemon import HttpDaemon, ask, port_in

AWAY = "http://127.0.0.1:9"

STARTER = """
import subprocess, sys
daemon = subprocess.Popen([sys.executable, "-m", "datacat_daemon", "--port", "0"], stdout=subprocess.PIPE, text=True)
print(daemon.stdout.readline().strip(), flush=True)
print(daemon.pid, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def parents(bench):
    """`parents()`: a process that does nothing, for sessions to be registered for."""

    def start():
        process = subprocess.Popen(["sleep", "120"])
        bench.started.append(process)
        return process

    return start


def runs(pid):
    """Whether a process runs, and is not a zombie that nobody collects."""
    stat = read_stat(pid)
    return stat is not None and not stat.ended


def command(bench, *options, cwd=None, **environment):
    """A daemon that is not expected to run: what became of it."""
    return subprocess.run(
        [sys.executable, "-m", "datacat_daemon", *options],
        env={key: value for key, value in bench.environment(AWAY, **environment).items() if value is not None},
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_it_runs_while_its_starter_does_and_then_ships_what_it_has(bench, server, parents, wait_for):
    starter = subprocess.Popen(
        [sys.executable, "-c", STARTER],
        env=bench.environment(server.url, DATACAT_BATCH_INTERVAL_SECONDS="0.1"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    bench.started.append(starter)
    port = port_in(starter.stdout.readline())
    pid = int(starter.stdout.readline())
    parent = parents()
    session = ask(port, "POST", "/register", {"parent_pid": parent.pid})[1]["session_id"]
    starter.kill()
    starter.wait()
    wait_for(lambda: ask(port, "POST", "/register", {"parent_pid": parent.pid})[0] == 503, "no further session")
    assert runs(pid)  # the process of a session does, too
    assert ask(port, "POST", "/event", {"session_id": session, "name": "orphaned"})[0] == 200
    parent.kill()
    server.wait_for_verdict("crashed", session)
    assert [record["name"] for record in server.records("event", session)] == ["orphaned"]
    wait_for(lambda: not runs(pid), "the daemon's end")
    assert bench.left() == []


def test_it_ends_with_a_starter_that_never_had_a_session(bench, wait_for):
    starter = subprocess.Popen(
        [sys.executable, "-c", STARTER],
        env=bench.environment(AWAY),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    bench.started.append(starter)
    starter.stdout.readline()
    pid = int(starter.stdout.readline())
    starter.stdin.close()
    starter.wait()
    wait_for(lambda: not runs(pid), "the daemon's end")


def test_it_stays_between_sessions(bench, server, parents, wait_for):
    daemon = HttpDaemon(bench, server.url)
    for _ in range(2):
        parent = parents()
        session = daemon.register(parent.pid)
        daemon.post("/end", session_id=session)
        server.wait_for_verdict("ended", session)
        parent.kill()
        parent.wait()
        wait_for(lambda: not list(bench.spool.glob("*-*")), "an empty spool")
    assert daemon.process.poll() is None
    assert len(daemon.ask("GET", "/sessions")[1]) == 2


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_asked_to_end_it_ships_first(bench, server, parents, number):
    daemon = HttpDaemon(bench, server.url, DATACAT_BATCH_INTERVAL_SECONDS="3600")
    parent = parents()
    session = daemon.register(parent.pid)
    server.wait_for_session()
    for count in range(100):
        daemon.post("/event", session_id=session, name=str(count))
    assert daemon.stop(number) == 0, daemon.process.stderr.read()
    assert [record["name"] for record in server.records("event")] == [str(count) for count in range(100)]
    assert server.verdicts() == []
    with pytest.raises(OSError):
        ask(daemon.port, "GET", "/health")


def test_asked_to_end_it_waits_for_no_server_that_is_away(bench, parents):
    daemon = HttpDaemon(bench, AWAY)
    session = daemon.register(parents().pid)
    daemon.post("/event", session_id=session, name="kept")
    assert daemon.stop() == 0
    later = HttpDaemon(bench, AWAY)
    assert [event["name"] for event in later.session(session)["events"]] == ["kept"]


def test_a_port_that_is_taken_is_said(bench):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = command(bench, "--port", str(port))
    assert done.returncode == 1 and f"127.0.0.1:{port}" in done.stderr and "--port" in done.stderr
    assert done.stdout == "" and "Traceback" not in done.stderr


def test_a_bad_setting_is_said(bench, tmp_path):
    path = tmp_path / "own.json"
    path.write_text('{"daemon_prot": 1}')
    for options, variables, cwd in [
        (["--config", str(path)], {}, None),
        ([], {"DATACAT_CONFIG": str(path)}, None),
        (["--config", str(tmp_path / "not there.json")], {}, None),
        ([], {"DATACAT_DAEMON_PORT": "many"}, None),
    ]:
        done = command(bench, *options, cwd=cwd, **variables)
        assert done.returncode == 2 and done.stderr.startswith("datacat-daemon: "), done
        assert "Traceback" not in done.stderr
    assert command(bench, "--port", "70000").returncode == 2


def test_settings_come_from_the_file_in_its_folder(bench, server, parents, tmp_path):
    (tmp_path / "daemon_config.json").write_text(json.dumps({"server_url": server.url, "api_key": "secret"}))
    daemon = HttpDaemon(bench, "", cwd=tmp_path)
    daemon.register(parents().pid)
    server.wait_for_session()
    assert server.keys[0] == "Bearer secret"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["daemon_config.json", "spool"]


def test_a_spool_that_cannot_be_is_said(bench, tmp_path):
    (tmp_path / "file").write_text("")
    done = command(bench, "--port", "0", DATACAT_SPOOL=str(tmp_path / "file" / "spool"))
    assert done.returncode == 1 and "$DATACAT_SPOOL" in done.stderr and "Traceback" not in done.stderr


def test_no_session_is_made_where_there_is_no_room(bench, parents, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)]
    if os.getuid() != 0 or subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("needs to mount a tmpfs")
    try:
        daemon = HttpDaemon(bench, AWAY, DATACAT_SPOOL=str(disk / "spool"))
        parent = parents()
        (disk / "filler").write_bytes(b"x" * (48 << 10))
        with open(disk / "filler", "ab", buffering=0) as filler:
            _fill(filler)
        status, content = daemon.ask("POST", "/register", {"parent_pid": parent.pid})
        assert (status, content["error"]) == (503, "unavailable"), content
        assert not list(disk.glob("spool/*/*/manifest.json"))
        (disk / "filler").unlink()
        session = daemon.register(parent.pid)
        status, content = daemon.ask("POST", "/event", {"session_id": session, "name": "x"})
        assert (status, content["error"]) == (503, "unavailable"), content  # a segment has no room either
        assert daemon.session(session)["dropped_count"] == 1
        assert daemon.stop() == 0
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def _fill(file):
    try:
        while True:
            file.write(b"x" * 1024)
    except OSError:
        return
