"""A session whose server's address is none, as older clients wrote it down, is judged, kept, and named."""

import json
import os
import signal
import subprocess
import sys

import pytest
from datacat_daemon.config import Config
from datacat_daemon.spool.reader import WriterReader, writers_in
from datacat_daemon.sync import Sync


def misdirect(folder, url):
    """Write another address into the manifest of the one session."""
    (path,) = folder.glob("*/manifest.json")
    path.write_text(json.dumps({**json.loads(path.read_text()), "server_url": url}))
    return path.parent


def verdicts_in(session):
    found = [
        record
        for writer in writers_in(session)
        if writer.startswith("daemon-") and "vitals" not in writer
        for record in WriterReader(session, writer).read(10**6)
    ]
    return [json.loads(record.payload)["status"] for record in found if record.kind == 4]


@pytest.mark.parametrize("url", ["notaurl", "http://localhost:99999"])
def test_it_is_judged_and_kept_until_sync_is_told_where_to(bench, server, wait_for, url):
    process = bench.program("http://127.0.0.1:9", "session.log_event('x')\nprint('on', flush=True)\ntime.sleep(60)")
    process.stdout.readline()
    session = misdirect(bench.folder_of(process), url)
    daemon = bench.daemon(session.parent)
    log = session.parent / "daemon.log"
    wait_for(lambda: log.exists() and "ship it with" in log.read_text(), "the daemon's word about it")
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    wait_for(lambda: verdicts_in(session) == ["crashed"], "the verdict")
    daemon.terminate()
    daemon.wait()

    work = Sync(Config(), spools=[bench.spool])
    assert not work.run(lambda: None)
    assert work.sessions[0].why == f"{url!r} is not an address; ship it with `datacat sync --server-url`"
    assert Sync(Config(), server.url, spools=[bench.spool]).run(lambda: None)
    assert server.verdicts() == ["crashed"]
    assert [event["name"] for event in server.records("event")] == ["x"]


def test_an_address_without_a_scheme_is_shipped_to(bench, server):
    bench.program("http://127.0.0.1:9", "session.log_event('x')").wait()
    (folder,) = bench.spool.glob("*-*")
    misdirect(folder, server.url.partition("://")[2])
    assert Sync(Config(), spools=[bench.spool]).run(lambda: None)
    assert [event["name"] for event in server.records("event")] == ["x"]


def wrapped(bench, *words, url="http://127.0.0.1:9"):
    command = [sys.executable, "-m", "datacat_daemon.wrapping", *words]
    return subprocess.run(command, env=bench.environment(url), capture_output=True, text=True)


def test_datacat_run_refuses_an_option_that_is_no_address(bench):
    done = wrapped(bench, "--server-url", "notaurl", "--", "echo", "ran")
    assert (done.returncode, done.stdout) == (2, "")
    assert "--server-url: expected an address" in done.stderr


def test_datacat_run_runs_with_the_default_where_the_variable_holds_no_address(bench):
    done = wrapped(bench, "--", "echo", "ran", url="http://[::1")
    assert (done.returncode, done.stdout) == (0, "ran\n")
    assert "is taken instead" in done.stderr
    (manifest,) = bench.spool.glob("*/*/manifest.json")
    assert json.loads(manifest.read_text())["server_url"] == "http://localhost:9090"
