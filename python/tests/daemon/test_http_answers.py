"""What the daemon's HTTP endpoints answer: a wrong field by its name, a session as it is known here."""

import os
import subprocess

from support.http_daemon import HttpDaemon

AWAY = "http://127.0.0.1:9"


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
    ("/event", {"name": "x", "level": "blah"}, "level"),
    ("/event", {"name": "x", "level": ""}, "level"),
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


def test_levels_go_by_all_names_that_the_server_knows(lonely, parent):
    session = lonely.register(parent.pid)
    for level in ("warn", "fatal", "notice", "trace", "WARNING", "debug"):
        lonely.post("/event", session_id=session, name="x", level=level)
    assert lonely.ask("GET", f"/session?session_id={session}")[0] == 200


def test_what_no_number_holds_leaves_a_reading_as_it_was(lonely, parent):
    session = lonely.register(parent.pid)
    for _ in range(2):
        lonely.post("/metric", session_id=session, name="huge", type="counter", delta=1e308)
        lonely.post("/metric", session_id=session, name="whole", type="counter", delta=10**308)
        lonely.post("/metric", session_id=session, name="wait", type="histogram", value=1e308)
    found = {metric["name"]: metric for metric in lonely.session(session)["metrics"]}
    assert (found["huge"]["value"], found["whole"]["value"]) == (1e308, 10**308)
    assert (found["wait"]["sum"], found["wait"]["count"]) == (1e308, 1)
