"""The daemon's HTTP endpoints: a program in any language is a session like any other, and what was answered arrives."""

import contextlib
import http.client
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from support.http_daemon import HttpDaemon, ask

AWAY = "http://127.0.0.1:9"


@pytest.fixture
def parent(bench):
    """A process that does nothing, for sessions to be registered for."""
    process = subprocess.Popen(["sleep", "120"])
    bench.started.append(process)
    return process


@pytest.fixture
def daemon(bench, server):
    """A standalone daemon that ships to `server`."""
    return HttpDaemon(bench, server.url)


@pytest.fixture
def lonely(bench):
    """A standalone daemon whose server is away."""
    return HttpDaemon(bench, AWAY)


README = Path(__file__).parents[3] / "README.md"


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl here")
def test_the_shell_script_in_the_readme_is_a_session_like_any_other(daemon, server):
    (script,) = re.findall(r"```sh\n(datacat-daemon &.*?)```", README.read_text(), re.DOTALL)
    script = script.replace("datacat-daemon &", "").replace(":8079", f":{daemon.port}").replace("curl -sS", "curl -sSf")
    done = subprocess.run(["sh", "-ec", script], capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout == '{"status":"ok"}' * 5, done
    ended = server.wait_for_verdict("ended")
    assert ended["reason"] == "end() was called"
    line = server.only()["line"]
    assert (line["product"], line["version"]) == ("Backup", "3")
    assert line["facts"]["argv"][:2] == ["sh", "-ec"] and line["machine_id"] and line["last_heartbeat"]
    assert server.records("state")[0]["state"] == {"step": "copy"}
    event = server.records("event")[0]
    assert (event["name"], event["data"]) == ("copied", {"files": 3})
    assert server.records("metric")[0]["delta"] == 3


def test_all_that_the_endpoints_take_arrives(daemon, server, parent, wait_for):
    session = daemon.register(parent.pid)
    daemon.post("/event", session_id=session, name="plain")
    daemon.post(
        "/event",
        session_id=session,
        exception_type="NullPointerException",
        exception_msg="no such thing",
        stacktrace=["at Shop.buy(Shop.java:7)", "at Shop.main(Shop.java:1)"],
        source_file="Shop.java",
        source_line=7,
        source_function="buy",
        labels="checkout",
        group="payments",
    )
    daemon.post("/metric", session_id=session, name="fps", value=60, unit="fps", tags={"map": "harbour", "level": 2})
    daemon.post("/metric", session_id=session, name="sold", type="counter", tags=["a"])
    daemon.post("/metric", session_id=session, name="total", type="counter", value=40)
    daemon.post("/metric", session_id=session, name="wait", type="histogram", value=0.3, buckets=[0.1, 1])
    daemon.post("/metric", session_id=session, name="load", type="timer", value=2.5, count=3, metadata={"disk": "sda"})
    metrics = wait_for(lambda: len(found := server.records("metric")) == 5 and found, "five metrics")
    said = [{key: metric[key] for key in metric.keys() - {"kind", "writer", "ordinal", "time"}} for metric in metrics]
    assert said == [
        {"name": "fps", "tags": ["map:harbour", "level:2"], "type": "gauge", "unit": "fps", "value": 60},
        {"delta": 1, "name": "sold", "tags": ["a"], "type": "counter"},
        {"name": "total", "type": "counter", "value": 40},
        {"buckets": [0.1, 1], "name": "wait", "type": "histogram", "value": 0.3},
        {"count": 3, "metadata": {"disk": "sda"}, "name": "load", "type": "timer", "value": 2.5},
    ]
    plain, failure = server.records("event")
    assert plain["name"] == "plain" and "level" not in plain
    assert failure["name"] == "exception" and failure["category"] == "exception"
    assert failure["message"] == "NullPointerException: no such thing"
    assert failure["stacktrace"][0] == "at Shop.buy(Shop.java:7)"
    assert (failure["source_line"], failure["labels"], failure["group"]) == (7, ["checkout"], "payments")
    assert not any(writer.startswith("daemon-") for writer in {record["writer"] for record in metrics})


def test_the_death_of_the_process_is_judged(daemon, server, parent):
    session = daemon.register(parent.pid)
    daemon.post("/event", session_id=session, name="last words")
    parent.kill()
    crashed = server.wait_for_verdict("crashed")
    assert crashed["data"]["signal"] == "SIGKILL"
    assert [event["name"] for event in crashed["data"]["last_events"]] == ["last words"]
    status, content = daemon.ask("POST", "/event", {"session_id": session, "name": "too late"})
    assert status == 404 and "ended" in content["details"]
    assert daemon.session(session)["status"] == "crashed"
    assert [one["crashed"] for one in daemon.ask("GET", "/sessions")[1]] == [True]


def test_a_program_that_exits_without_a_word_is_judged_by_its_exit_code(bench, daemon, server, wait_for):
    for code, verdict in ((0, "ended"), (3, "crashed")):
        process = subprocess.Popen(["sh", "-c", f"read line; exit {code}"], stdin=subprocess.PIPE)
        bench.started.append(process)
        session = daemon.register(process.pid)
        process.stdin.close()
        found = server.wait_for_verdict(verdict, session)
        assert found["data"]["exit_code"] == code
        wait_for(lambda: not list(bench.spool.glob("*-*")), "an empty spool")
        assert daemon.session(session)["status"] == verdict  # nothing but the daemon's memory tells it now


def test_a_heartbeat_that_stops_is_a_hang_and_one_that_is_back_a_recovery(bench, server, parent):
    daemon = HttpDaemon(bench, server.url, DATACAT_HEARTBEAT_TIMEOUT_SECONDS="0.5")
    session = daemon.register(parent.pid)
    daemon.post("/heartbeat", session_id=session)
    hung = server.wait_for_verdict("hung")
    assert hung["data"]["timeout_seconds"] == 0.5
    assert daemon.session(session)["hung"] and daemon.session(session)["last_heartbeat"]
    daemon.post("/heartbeat", session_id=session, timeout=60)
    server.wait_for_verdict("recovered")
    assert [event["name"] for event in daemon.session(session)["events"]] == [
        "application_appears_hung",
        "application_recovered",
    ]


def test_a_paused_heartbeat_is_no_hang(daemon, server, parent, wait_for):
    paused, watched = daemon.register(parent.pid), daemon.register(parent.pid)
    for session in (paused, watched):
        daemon.post("/heartbeat", session_id=session, timeout=0.4)
    daemon.post("/pause_heartbeat", session_id=paused)
    server.wait_for_verdict("hung", watched)
    assert server.verdicts(paused) == []
    daemon.post("/resume_heartbeat", session_id=paused)
    server.wait_for_verdict("hung", paused)


def test_what_was_answered_arrives_once_though_the_daemon_is_killed(bench, server, parent, wait_for):
    daemon = HttpDaemon(bench, server.url)
    session = daemon.register(parent.pid)
    for number in range(200):
        daemon.post("/event", session_id=session, name=f"event {number}")
    daemon.process.kill()
    daemon.process.wait()
    following = HttpDaemon(bench, server.url)
    following.post("/event", session_id=session, name="after")  # its process lives on, and so does the session
    following.post("/heartbeat", session_id=session, timeout=0.3)
    server.wait_for_verdict("hung")
    following.post("/heartbeat", session_id=session, timeout=60)
    following.post("/end", session_id=session)
    server.wait_for_verdict("ended")
    names = [record["name"] for record in server.records("event")]
    assert names == [*(f"event {number}" for number in range(200)), "after"]
    assert server.only()["lost"] == []
    parent.kill()
    wait_for(lambda: not list(bench.spool.glob("*/*")), "an empty spool")


def test_many_threads_at_once(daemon, server, parent, wait_for):
    session = daemon.register(parent.pid)

    def post(thread):
        for number in range(100):
            daemon.post("/event", session_id=session, name=f"{thread}.{number}")

    threads = [threading.Thread(target=post, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    names = wait_for(lambda: len(found := server.records("event")) >= 2000 and found, "2000 events")
    assert sorted(record["name"] for record in names) == sorted(f"{t}.{n}" for t in range(20) for n in range(100))


class Posting:
    """Threads that post events while they are answered with 200; `answered` are the names of those that were."""

    def __init__(self, daemon, session):
        self.answered = []
        self._daemon = daemon
        self._session = session
        self._threads = [threading.Thread(target=self._post, args=(number,)) for number in range(5)]
        for thread in self._threads:
            thread.start()

    def _post(self, thread):
        with contextlib.suppress(OSError, http.client.HTTPException):
            for number in range(100_000):
                event = {"session_id": self._session, "name": f"{thread}.{number}"}
                if self._daemon.ask("POST", "/event", event)[0] != 200:
                    return
                self.answered.append(event["name"])

    def finish(self):
        """Return the names once all threads have come to their end."""
        for thread in self._threads:
            thread.join()
        return self.answered


def test_what_was_answered_arrives_though_the_daemon_is_killed_in_the_midst_of_it(bench, server, parent, wait_for):
    daemon = HttpDaemon(bench, server.url)
    session = daemon.register(parent.pid)
    posting = Posting(daemon, session)
    wait_for(lambda: len(posting.answered) > 200, "200 answers")
    daemon.process.kill()
    answered = posting.finish()
    following = HttpDaemon(bench, server.url)
    following.post("/end", session_id=session)
    server.wait_for_verdict("ended")
    wait_for(lambda: len(server.records("event")) >= len(answered), "all that was answered")
    names = [record["name"] for record in server.records("event")]
    assert set(answered) <= set(names) and len(names) == len(set(names)) <= len(answered) + 5


def test_what_was_answered_arrives_though_the_process_dies_in_the_midst_of_it(bench, server, parent, wait_for):
    daemon = HttpDaemon(bench, server.url)
    session = daemon.register(parent.pid)
    posting = Posting(daemon, session)
    wait_for(lambda: len(posting.answered) > 200, "200 answers")
    parent.kill()
    answered = posting.finish()
    server.wait_for_verdict("crashed")
    wait_for(lambda: not list(bench.spool.glob("*-*")), "an empty spool")
    names = [record["name"] for record in server.records("event")]
    assert set(answered) <= set(names) and len(names) == len(set(names)) <= len(answered) + 5


def test_a_session_can_be_looked_at_while_the_server_is_away(lonely, parent):
    session = lonely.register(parent.pid)
    lonely.post("/state", session_id=session, state={"window": {"open": ["map"], "size": 3}, "level": 7})
    lonely.post("/state", session_id=session, state={"window": {"size": None}, "level": 8})
    for number in range(130):
        lonely.post("/event", session_id=session, name=f"event {number}")
    for delta in (1, 2):
        lonely.post("/metric", session_id=session, name="sold", type="counter", delta=delta, tags=["b", "a"])
    for sample in (0.05, 0.1, 7):
        lonely.post("/metric", session_id=session, name="wait", type="histogram", value=sample, buckets=[0.1, 1])
    found = lonely.session(session)
    assert found["id"] == session and found["active"] and not found["crashed"] and found["ended_at"] is None
    assert found["created_at"].endswith("Z") and found["pid"] == parent.pid
    assert found["state"] == {"product": "Shop", "version": "2.1", "window": {"open": ["map"]}, "level": 8}
    assert [event["name"] for event in found["events"]] == [f"event {number}" for number in range(30, 130)]
    assert found["events"][0]["level"] == "info" and found["events"][0]["timestamp"].endswith("Z")
    sold, wait = found["metrics"]
    assert (sold["value"], sold["tags"]) == (3, ["a", "b"])
    assert (wait["count"], wait["buckets"]) == (
        3,
        [{"le": 0.1, "count": 2}, {"le": 1, "count": 0}, {"le": None, "count": 1}],
    )
    (summary,) = lonely.ask("GET", "/sessions")[1]
    assert summary["id"] == session and "events" not in summary
    assert lonely.ask("GET", "/health")[1]["status"] == "healthy"


def test_another_daemon_shows_what_is_in_the_spool(bench, lonely, parent):
    session = lonely.register(parent.pid)
    lonely.post("/state", session_id=session, state={"level": 7})
    lonely.post("/event", session_id=session, name="kept")
    other = HttpDaemon(bench, AWAY)
    assert other.session(session)["state"]["level"] == 7
    assert [event["name"] for event in other.session(session)["events"]] == ["kept"]
    status, content = other.ask("POST", "/event", {"session_id": session, "name": "x"})
    assert status == 404 and "another daemon" in content["details"]


def test_what_is_logged_after_the_end_still_arrives(daemon, server, parent, wait_for):
    session = daemon.register(parent.pid)
    daemon.post("/end", session_id=session)
    server.wait_for_verdict("ended")
    daemon.post("/end", session_id=session)
    daemon.post("/event", session_id=session, name="afterwards")
    wait_for(lambda: server.records("event"), "the event")
    assert server.verdicts() == ["ended"]


def test_a_record_that_cannot_be_kept_is_not_answered_with_200(bench, parent):
    daemon = HttpDaemon(bench, AWAY, DATACAT_PROCESS_SPOOL_MAX_MB="1", DATACAT_SPOOL_MAX_MB="1")
    session = daemon.register(parent.pid)
    kept = 0
    while True:
        event = {"session_id": session, "name": str(kept), "data": {"x": "y" * 50_000}}
        status, content = daemon.ask("POST", "/event", event)
        if status != 200:
            break
        kept += 1
        assert kept < 1000
    assert (status, content["error"]) == (503, "unavailable") and "full" in content["details"]
    assert kept > 10 and daemon.session(session)["dropped_count"] >= 1
    assert daemon.session(session)["events"][-1]["name"] == str(kept - 1)


def test_the_process_of_a_session_runs_and_is_our_own(lonely, bench):
    gone = subprocess.Popen(["true"])
    gone.wait()
    if os.getuid() == 0:
        foreign = subprocess.Popen(["sleep", "60"], user=65534)
        bench.started.append(foreign)
        others = foreign.pid
    else:
        others = 1
    for body, said in [
        ({}, "missing"),
        ({"parent_pid": "12"}, "number"),
        ({"parent_pid": True}, "number"),
        ({"parent_pid": 0}, "no process id"),
        ({"parent_pid": 1 << 40}, "no process id"),
        ({"parent_pid": gone.pid}, "there is no process"),
        ({"parent_pid": others}, "another user's"),
        ({"parent_pid": lonely.process.pid}, "this daemon"),
        ({"parent_pid": os.getpid(), "product": 5}, "product"),
    ]:
        status, content = lonely.ask("POST", "/register", {"product": "P", "version": "1", **body})
        assert status == 400 and said in content["details"] and content["error"] == "bad_request", (body, content)
    assert lonely.ask("GET", "/sessions")[1] == []
    assert list(bench.spool.glob("*-*")) == []


BAD = [
    ("/event", {"name": None}, "name"),
    ("/event", {"name": ["x"]}, "name"),
    ("/event", {"name": "x" * 1001}, "name"),
    ("/event", {"name": "x", "level": 3}, "level"),
    ("/event", {"name": "x", "labels": [1]}, "labels"),
    ("/event", {"name": "x", "message": {}}, "message"),
    ("/event", {"name": "x", "stacktrace": [1]}, "stacktrace"),
    ("/event", {"name": "x", "source_line": 1.5}, "source_line"),
    ("/metric", {"name": "x"}, "value"),
    ("/metric", {"name": "x", "value": "5"}, "value"),
    ("/metric", {"name": "x", "value": True}, "value"),
    ("/metric", {"name": "x", "value": 10**400}, "value"),
    ("/metric", {"value": 1}, "name"),
    ("/metric", {"name": "x", "value": 1, "type": "speed"}, "type"),
    ("/metric", {"name": "x", "value": 1, "tags": [["a"]]}, "tags"),
    ("/metric", {"name": "x", "value": 1, "tags": ["a"] * 101}, "tags"),
    ("/metric", {"name": "x", "value": 1, "count": -1}, "count"),
    ("/metric", {"name": "x", "type": "histogram", "value": 1, "buckets": ["a"]}, "buckets"),
    ("/metric", {"name": "x", "type": "counter", "delta": "a"}, "delta"),
    ("/state", {}, "state"),
    ("/state", {"state": [1]}, "state"),
    ("/heartbeat", {"timeout": 0}, "timeout"),
]


def test_a_wrong_field_is_named(lonely, parent):
    session = lonely.register(parent.pid)
    for path, body, field in BAD:
        status, content = lonely.ask("POST", path, {"session_id": session, **body})
        assert (status, content["error"]) == (400, "bad_request"), (path, body, content)
        assert content["details"].startswith(f"{field}: "), (path, body, content)
    assert lonely.session(session)["events"] == [] and lonely.session(session)["metrics"] == []


def test_a_session_that_is_not_there_is_not_found(lonely):
    for unknown in ("nix", "../../etc", "x" * 5000, "*"):
        for path in ("/event", "/state", "/metric", "/heartbeat", "/pause_heartbeat", "/resume_heartbeat", "/end"):
            status, content = lonely.ask("POST", path, {"session_id": unknown, "name": "x"})
            assert status == 404 and "POST /register" in content["details"]
    assert lonely.ask("GET", "/session?session_id=nix")[0] == 404
    assert lonely.ask("GET", "/session")[0] == 400
    assert lonely.ask("POST", "/event", {"name": "x"})[1]["details"].startswith("session_id: ")


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


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


def listens(port):
    with contextlib.suppress(OSError):
        return ask(port, "GET", "/health")[0] == 200
    return False
