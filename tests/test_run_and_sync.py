"""`datacat run` and `datacat sync`, the commands, with the real server."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from support.reading import get, session_with_status, wait_for
from support.servers import Server
from support.terminals import Terminal

DATACAT = [sys.executable, "-c", "from datacat_server.cli.main import main; main()"]


def datacat(programs, url: str, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    own = {key: value for key, value in os.environ.items() if not key.startswith("DATACAT_")}
    environment = {**own, "DATACAT_SPOOL": str(programs.spool), "DATACAT_URL": url, **more}
    return subprocess.run([*DATACAT, *words], env=environment, capture_output=True, text=True, check=False)


def test_run_shows_any_program_as_a_session_with_its_output_and_its_end(programs, server):
    words = ["--product", "Backup", "--version", "3", "--capture-output", "--", "sh", "-c", "echo copied $0; exit 3"]
    done = datacat(programs, server.url, "run", *words, "--all")
    assert (done.returncode, done.stdout, done.stderr) == (3, "copied --all\n", "")
    (summary,) = wait_for(lambda: get(f"{server.url}/api/sessions")["sessions"])
    session_with_status(server.url, summary["id"], "crashed")

    def finished():
        session = get(f"{server.url}/api/sessions/{summary['id']}")
        return session if any(event["name"] == "program_finished" for event in session["events"]) else None

    session = wait_for(finished)
    assert (session["product"], session["version"]) == ("Backup", "3")
    assert session["reason"] == "it ended with exit code 3"
    by_name = {event["name"]: event for event in session["events"]}
    assert by_name["stdout"]["message"] == "copied --all"
    assert by_name["program_finished"]["data"]["output_tail"] == ["copied --all"]


def test_run_dies_by_the_signal_of_its_program(programs, server):
    assert datacat(programs, server.url, "run", "sh", "-c", "kill -TERM $$").returncode == -signal.SIGTERM
    assert datacat(programs, server.url, "run", "no-such-program").returncode == 127


def test_sync_tells_what_is_left_and_ships_it_when_the_server_is_there(programs, tmp_path: Path):
    server = Server(tmp_path / "data")
    server.stop()
    code = "import datacat\nfor i in range(50): datacat.create_session(product='Left').log_event('x', {'i': i})"
    programs.start(code, server.url, DATACAT_DAEMON="true").communicate()
    done = datacat(programs, server.url, "sync")
    assert done.returncode == 1
    assert f"Left: 50 sessions, 50 records: {server.url} does not answer" in done.stdout
    assert "… and 40 more" in done.stdout
    server = Server(tmp_path / "data", server.port)
    try:
        done = datacat(programs, server.url, "sync", "--json")
        told = json.loads(done.stdout)
        assert (done.returncode, told["complete"], told["records"], told["waiting"]) == (0, True, 50, 0)
        assert len(get(f"{server.url}/api/sessions?limit=100")["sessions"]) == 50
        done = datacat(programs, server.url, "sync")
        assert (done.returncode, done.stdout) == (0, "Nothing waits to be shipped.\n")
    finally:
        server.stop()


def test_sync_shows_how_far_it_is_and_after_ctrl_c_and_a_dead_server_nothing_is_lost_or_there_twice(
    programs, tmp_path: Path
):
    server = Server(tmp_path / "data")
    code = """
import datacat
for number in range(20):
    session = datacat.create_session(product="Left", version=str(number))
    for i in range(1000): session.log_event("x", {"i": i, "text": "y" * 200})
"""
    programs.start(code, server.url, DATACAT_DAEMON="true").communicate()
    shown = Terminal("sync", folder=tmp_path, DATACAT_SPOOL=str(programs.spool))
    try:
        shown.until("Shipping")
        server.kill()
        shown.until(" of 20,000 records")
        shown.interrupt()
        assert shown.finish() == 130
    finally:
        shown.close()
    assert "Traceback" not in shown.text
    assert "\x1b[2K" in shown.raw.rpartition("Shipping")[2]  # the line is erased
    assert shown.raw.rpartition("\x1b[?25")[2].startswith("h")  # and the cursor is there again
    server = Server(tmp_path / "data", server.port)
    try:
        done = datacat(programs, server.url, "sync")
        assert (done.returncode, done.stdout.splitlines()[-1].partition(":")[0]) == (0, "All is shipped")
        sessions = get(f"{server.url}/api/sessions?limit=100")["sessions"]
        assert sorted(int(session["version"]) for session in sessions) == [*range(20)]
        for session in sessions:
            events = get(f"{server.url}/api/sessions/{session['id']}?include=events")["events"]
            assert [event["data"]["i"] for event in events if event["name"] == "x"] == [*range(1000)]
    finally:
        server.stop()


def test_what_stands_behind_a_damaged_record_is_delivered_and_the_damage_is_counted(programs, server):
    code = "import datacat\ns = datacat.create_session(product='Left')\nfor i in range(100): s.log_event('x', {'i': i})"
    programs.start(code, server.url, DATACAT_DAEMON="true").communicate()
    (segment,) = (path for path in programs.spool.rglob("*.segment") if b'"i":50}' in path.read_bytes())
    segment.write_bytes(segment.read_bytes().replace(b'"i":50}', b'"i":5~}'))
    done = datacat(programs, server.url, "sync", "--json")
    told = json.loads(done.stdout)
    assert (done.returncode, told["complete"], told["records"]) == (0, True, 100)
    (summary,) = get(f"{server.url}/api/sessions")["sessions"]
    assert summary["lost_count"] == 1
    events = get(f"{server.url}/api/sessions/{summary['id']}")["events"]
    assert sorted(event["data"]["i"] for event in events if event["name"] == "x") == [*range(50), *range(51, 100)]


def test_sync_refuses_an_address_that_is_none(programs):
    done = datacat(programs, "http://127.0.0.1:9", "sync", "--server-url", "nowhere")
    assert (done.returncode, done.stderr.partition(":")[0]) == (1, "error")


def test_running_a_program_waits_for_nothing_that_a_server_needs():
    code = "import atexit, sys; atexit.register(lambda: print(*sys.modules)); sys.argv = ['datacat', 'run', '--help']\n"
    code += "from datacat_server.cli.main import main; main()"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    loaded = said.splitlines()[-1].split()
    assert "datacat_server.cli.run" in loaded
    assert not {"litestar", "datacat_server.cli.up", "datacat_server.store", "rich.progress"}.intersection(loaded)
