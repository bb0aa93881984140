"""What is left in the spool is shipped by hand, and what cannot be is named with its reason."""

import signal
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from datacat.client import DatacatClient, DatacatError
from datacat_daemon.config import Config
from datacat_daemon.spool.locks import FileLock
from datacat_daemon.sync import Sync


@pytest.fixture
def away(server_class):
    """The address of a server that is not there, and what starts it."""
    server = server_class()
    server.close()
    started = []

    def come_back():
        started.append(server_class(server.port))
        return started[0]

    come_back.url = server.url
    yield come_back
    for running in started:
        running.close()


@pytest.fixture
def sync(bench):
    """`sync(...)`: a Sync over the bench's spool."""
    return lambda *arguments, **options: Sync(Config(), *arguments, spools=[bench.spool], **options)


def leave(bench, url, body, count=1):
    """Programs that end with their records unshipped; their daemons are never started."""
    for _ in range(count):
        bench.program(url, body).communicate()


def is_held(folder):
    """A daemon looks after this process folder."""
    lock = FileLock(folder / "daemon.lock")
    free = lock.take()
    lock.release()
    return not free


LOG = "for i in range(100):\n    session.log_event('left', {'i': i})\n"


def test_what_processes_left_behind_is_shipped_and_judged(bench, server, sync):
    leave(bench, server.url, LOG + "os.kill(os.getpid(), 9)", count=3)
    work = sync()
    assert [session.records for session in work.sessions] == [100, 100, 100]
    seen = []
    assert work.run(lambda: seen.append(sum(session.waiting for session in work.sessions)))
    assert seen[-1] == 0 and all(session.shipped for session in work.sessions)
    for session in work.sessions:
        events = server.records("event", session.manifest.session_id)
        assert [event["data"]["i"] for event in events] == list(range(100))
        assert server.verdicts(session.manifest.session_id) == ["crashed"]
    assert bench.left() == []
    assert sync().sessions == [] and sync().run(lambda: None)


def test_a_server_that_is_away_is_named_and_nothing_is_lost(bench, away, sync):
    leave(bench, away.url, LOG)
    work = sync()
    assert not work.run(lambda: None)
    (session,) = work.sessions
    assert (session.waiting, session.shipped, session.why) == (100, False, f"{away.url} does not answer")
    server = away()
    assert sync().run(lambda: None)
    assert len(server.records("event")) == 100


def test_a_server_that_takes_nothing_is_given_up_with_what_it_said(bench, server, sync):
    server.answers = [503] * 1000
    leave(bench, server.url, LOG)
    work = sync(patience=1.0)
    assert not work.run(lambda: None)
    assert "503" in work.sessions[0].why


def test_a_session_that_its_server_refuses_is_left_with_the_reason(bench, server, sync):
    server.bars = lambda line: True
    leave(bench, server.url, LOG)
    work = sync()
    assert not work.run(lambda: None)
    assert work.sessions[0].why == "refused by its server: product: too long"
    assert Path(work.sessions[0].folder).exists()


def test_records_that_were_set_aside_are_shown(bench, server, sync):
    server.refuses = lambda record: record["kind"] == "event" and record["data"]["i"] == 7
    leave(bench, server.url, LOG)
    work = sync()
    assert work.run(lambda: None)
    (path,) = work.set_aside()
    assert path.name.endswith(".7.json")


def test_a_session_can_be_shipped_to_another_server(bench, away, server, sync, monkeypatch):
    monkeypatch.setenv("DATACAT_API_KEY", "opens")
    leave(bench, away.url, LOG)
    assert sync(server.url + "/").run(lambda: None)
    assert len(server.records("event")) == 100
    assert set(server.keys) == {"Bearer opens"}


def test_what_a_daemon_still_has_of_an_ended_process_is_shipped_to_another_server(bench, away, server, sync, wait_for):
    process = bench.program(away.url, LOG + "sys.stdin.readline()")
    folder = bench.folder_of(process)
    daemon = bench.hasty_daemon(folder)
    wait_for((folder / "daemon.log").exists, "the daemon")
    process.communicate("\n")
    wait_for(lambda: ": ended: " in (folder / "daemon.log").read_text(), "its verdict")
    assert sync(server.url).run(lambda: None)
    assert [event["data"]["i"] for event in server.records("event")] == list(range(100))
    assert server.verdicts() == ["ended"]
    bench.finish(daemon)
    assert bench.left() == []


def test_a_process_that_runs_has_its_own_daemon_ship_at_once(bench, server, sync):
    body = LOG + "print('logged', flush=True)\nsys.stdin.readline()"
    process = bench.program(server.url, body)
    daemon = bench.daemon(bench.folder_of(process))
    assert process.stdout.readline() == "logged\n"
    assert sync().run(lambda: None)
    assert len(server.records("event")) == 100
    process.communicate("\n")
    bench.finish(daemon)


def test_a_process_that_lost_its_daemon_gets_one(bench, server, sync, monkeypatch):
    monkeypatch.delenv("DATACAT_DAEMON", raising=False)
    process, daemon = bench.run(server.url, LOG + "print('logged', flush=True)\nsys.stdin.readline()\n" + LOG)
    assert process.stdout.readline() == "logged\n"
    daemon.send_signal(signal.SIGKILL)
    daemon.wait()
    assert sync().run(lambda: None)
    process.communicate("\n")
    server.wait_for_verdict("ended")
    assert len(server.records("event")) == 200


def test_a_running_process_is_not_shipped_elsewhere(bench, server, away, sync, wait_for):
    process = bench.program(away.url, LOG + "print('logged', flush=True)\nsys.stdin.readline()")
    folder = bench.folder_of(process)
    daemon = bench.daemon(folder)
    assert process.stdout.readline() == "logged\n"
    wait_for(lambda: is_held(folder), "the daemon to look after it")
    work = sync(server.url)
    assert not work.run(lambda: None)
    assert work.sessions[0].why == f"its daemon ships it to {away.url}; when its program has ended, run this again"
    assert server.sessions == {}
    away()
    process.communicate("\n")
    bench.finish(daemon)


def test_an_address_of_something_else_is_said_to_be_none_of_a_server(bench, away, sync, tmp_path):
    handler = partial(SimpleHTTPRequestHandler, directory=tmp_path)
    (tmp_path / "health").write_text("<html>a web page</html>")
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as pages:
        threading.Thread(target=pages.serve_forever, kwargs={"poll_interval": 0.01}).start()
        url = f"http://127.0.0.1:{pages.server_port}"
        leave(bench, away.url, LOG)
        work = sync(url)
        assert not work.run(lambda: None)
        assert work.sessions[0].why == f"{url} is not a DataCat server; its port is usually 9090"
        with pytest.raises(DatacatError, match="its port is usually 9090"):
            DatacatClient(url).get_all_sessions()
        pages.shutdown()


def test_a_spool_that_cannot_be_read_is_not_taken_for_an_empty_one(bench, server, sync):
    bench.spool.write_text("no folder")
    work = sync()
    assert not work.run(lambda: None)
    assert work.unreadable == {bench.spool: "Not a directory"}
    bench.spool.unlink()
    work = sync()
    assert work.run(lambda: None) and not work.unreadable
