"""The daemon that a Python program starts for itself listens, too, where the program says so."""

import contextlib
import socket
import subprocess
import sys

from support.http_daemon import ask

AWAY = "http://127.0.0.1:9"


PROGRAM = """
import sys, datacat
session = datacat.create_session(product='P', batch_interval_seconds=0.1, daemon_port=sys.argv[1])
session.update_state({'level': 7})
session.log_event('inside')
print(session.session_id, flush=True)
sys.stdin.read()
"""


def test_a_python_program_can_have_its_daemon_listen(bench, server, parent, wait_for):
    port = free_port()
    program = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(port)],
        env=bench.environment(server.url, DATACAT_DAEMON=f"{sys.executable} -m datacat_daemon"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    bench.started.append(program)
    own = program.stdout.readline().strip()
    wait_for(lambda: listens(port), "the daemon")
    found = ask(port, "GET", f"/session?session_id={own}")[1]
    assert found["state"]["level"] == 7 and found["events"][0]["name"] == "inside" and found["active"]
    assert [one["id"] for one in ask(port, "GET", "/sessions")[1]] == [own]
    # another process writes into the same session, and one of its own goes to the same server
    assert ask(port, "POST", "/event", {"session_id": own, "name": "beside"})[0] == 200
    assert ask(port, "POST", "/end", {"session_id": own})[0] == 400
    status, content = ask(port, "POST", "/register", {"parent_pid": parent.pid, "product": "Other"})
    assert status == 200, content
    assert ask(port, "POST", "/event", {"session_id": content["session_id"], "name": "other"})[0] == 200
    assert ask(port, "POST", "/end", {"session_id": content["session_id"]})[0] == 200
    server.wait_for_verdict("ended", content["session_id"])
    program.stdin.close()
    program.wait()
    server.wait_for_verdict("ended", own)
    assert [record["name"] for record in server.records("event", own)] == ["inside", "beside"]
    parent.kill()
    wait_for(lambda: not listens(port), "the daemon's end")


def test_a_port_that_is_taken_costs_a_python_program_nothing_else(bench, server, wait_for):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        program = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(port)],
            env=bench.environment(server.url, DATACAT_DAEMON=f"{sys.executable} -m datacat_daemon"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        bench.started.append(program)
        wait_for(lambda: server.records("event"), "the event")
        (log,) = bench.spool.glob("*/daemon.log")
        assert f"does not listen on 127.0.0.1:{port}: Address already in use" in log.read_text()
        program.stdin.close()
        server.wait_for_verdict("ended")


def test_a_port_that_is_none_is_a_warning_and_the_session_runs(bench, tmp_path):
    code = (
        "import datacat\nfor port in (0, 70000, 'x', 1.5, [], b'8079'): print(datacat.create_session(daemon_port=port))"
    )
    done = subprocess.run(
        [sys.executable, "-W", "always", "-c", code], env=bench.environment(AWAY), capture_output=True, text=True
    )
    assert done.returncode == 0 and done.stdout.count("<Session ") == 6
    assert done.stderr.count("RuntimeWarning: datacat: daemon_port: expected 1 to 65535") == 6, done.stderr


def test_a_daemon_that_comes_up_after_its_program_has_ended_ships_and_leaves(bench, server):
    process = bench.program(server.url, "session.log_event('left')")
    folder = bench.folder_of(process)
    process.wait()
    daemon = subprocess.Popen(
        [sys.executable, "-m", "datacat_daemon", "--process-dir", str(folder), "--port", "0"],
        env=bench.environment(server.url),
        stderr=subprocess.PIPE,
    )
    bench.started.append(daemon)
    bench.finish(daemon)
    assert server.verdicts() == ["ended"] and bench.left() == []


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


def listens(port):
    with contextlib.suppress(OSError):
        return ask(port, "GET", "/health")[0] == 200
    return False
