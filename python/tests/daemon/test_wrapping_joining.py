"""A Python program in `datacat run` joins the session that is there for it."""

import sys

import pytest
from support.interpreters import find

JOINS = """
import datacat, os, sys
session = datacat.create_session(product="Inner", version="9")
session.log_event("inside", {"id": session.session_id})
session.heartbeat()
other = datacat.create_session(product="Other")
other.end()
if len(sys.argv) > 1:
    exec(sys.argv[1])
"""


def joined(server):
    """The one session that was wrapped, with what was logged inside."""
    for session_id, session in server.sessions.items():
        for record in session["records"]:
            if record.get("name") == "inside" and record["data"]["id"] == session_id:
                return session
    return None


def python_of(version):
    path = find(version)
    if path is None:
        pytest.skip(f"there is no Python {version}")
    return path


@pytest.mark.parametrize("version", ["2.7", "3.6", "3.13"])
@pytest.mark.parametrize(
    ("last", "status", "reason"),
    [
        ("session.end()", "ended", "end() was called"),
        ("sys.exit(3)", "ended", "the program finished, with exit code 3"),
        ("raise ValueError('no map')", "crashed", "uncaught exception ValueError: no map"),
        ("os.kill(os.getpid(), 9)", "crashed", "killed by SIGKILL"),
    ],
)
def test_a_python_program_joins_and_says_how_it_ends(wrap, server, tmp_path, version, last, status, reason):
    script = tmp_path / "inside.py"
    script.write_text(JOINS)
    run = wrap([python_of(version), script, last], ["--product", "Outer"])
    run.finish()
    session = run.wait(lambda: joined(server))
    assert session["line"]["product"] == "Outer"
    names = [record["name"] for record in session["records"] if record["kind"] == "event"]
    assert names[:2] == ["process_joined", "inside"]
    record = run.wait(lambda: [r for r in session["records"] if r["kind"] == "status"])[0]
    assert (record["status"], record["reason"][: len(reason)]) == (status, reason)
    run.settle()
    assert len(server.sessions) == 2


@pytest.mark.parametrize(
    ("last", "status", "reason"),
    [
        ("sys.exit(3)", "ended", "end() was called, with exit code 3"),
        ("os.kill(os.getpid(), 9)", "crashed", "killed by SIGKILL"),
    ],
)
def test_a_session_whose_program_called_end_goes_on_to_the_programs_end(wrap, server, tmp_path, last, status, reason):
    script = tmp_path / "inside.py"
    script.write_text(JOINS)
    run = wrap([sys.executable, script, f"session.end(); session.log_event('after'); {last}"])
    run.finish()
    session = run.wait(lambda: joined(server))
    record = run.wait(lambda: [r for r in session["records"] if r["kind"] == "status"])[0]
    assert (record["status"], record["reason"][: len(reason)]) == (status, reason)
    run.settle()
    (after,) = [r for r in session["records"] if r.get("name") == "after"]
    assert record["time"] >= after["time"]


@pytest.mark.parametrize("version", ["2.7", "3.13"])
def test_a_part_of_a_program_joins_and_does_not_end_it(wrap, server, tmp_path, version):
    script = tmp_path / "inside.py"
    script.write_text(JOINS)
    python = python_of(version)
    body = f"{python} {script} 'session.end()'; {python} {script} 'raise ValueError(7)' 2>/dev/null; exit 4"
    run = wrap(["sh", "-c", body])
    run.finish()
    session = run.wait(lambda: joined(server))
    record = run.wait(lambda: [r for r in session["records"] if r["kind"] == "status"])[0]
    assert (record["status"], record["reason"]) == ("crashed", "uncaught exception ValueError: 7")
    assert record["data"]["exit_code"] == 4
    run.settle()
    assert [r["name"] for r in session["records"] if r["kind"] == "event"].count("inside") == 2


def test_the_heartbeat_of_a_part_is_the_sessions(wrap, server, tmp_path):
    script = tmp_path / "inside.py"
    script.write_text(JOINS)
    last = "import time; session.start_heartbeat_monitor(0.3); time.sleep(0.9); session.heartbeat(); time.sleep(0.2)"
    run = wrap(["sh", "-c", f"{sys.executable} {script} '{last}'; exit 0"])
    run.finish()
    session = run.wait(lambda: joined(server))
    run.settle()
    assert [r["status"] for r in session["records"] if r["kind"] == "status"][:2] == ["hung", "recovered"]


def test_stacks_of_a_joined_program_that_hangs_are_shown(wrap, server, tmp_path):
    script = tmp_path / "inside.py"
    script.write_text(JOINS)
    last = "import time\nsession.start_heartbeat_monitor(0.3)\ndef stuck(): time.sleep(1.5)\nstuck()"
    run = wrap([python_of("3.13"), script, last])
    run.finish()
    session = run.wait(lambda: joined(server))
    (hung,) = run.wait(lambda: [r for r in session["records"] if r.get("status") == "hung"])
    assert "stuck" in str(hung["data"]["stacks"])


@pytest.mark.parametrize("left", ["gone", "ended"])
def test_a_session_that_is_over_is_not_joined(bench, server, tmp_path, left):
    folder = tmp_path / "1-2-3" / "session"
    if left == "ended":
        folder.mkdir(parents=True)
        manifest = '{"session_id": "x", "pid": 1, "process_start": "1", "pid_namespace": null, "server_url": "u"}'
        (folder / "manifest.json").write_text(manifest)
    process, daemon = bench.run(server.url, "print(session.session_id)", DATACAT_SESSION=str(folder))
    session_id = process.communicate()[0].strip()
    bench.finish(daemon)
    assert list(server.sessions) == [session_id]
