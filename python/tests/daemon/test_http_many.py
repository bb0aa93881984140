"""A daemon that listens for long: what it holds of sessions is bounded, however many there were."""

import os
from http.client import HTTPConnection
from json import dumps, loads

import pytest
from support.http_daemon import HttpDaemon


@pytest.fixture
def small(bench):
    """A daemon for which 50 sessions are many."""
    before = "from datacat_daemon.http import registry\nregistry.MOST_SESSIONS, registry._MOST_ENDED = 50, 10"
    return HttpDaemon(bench, "http://127.0.0.1:9", before=before)


@pytest.fixture
def post(small):
    """`post(path, **body)`: a request on one connection; its status and JSON."""
    connection = HTTPConnection("127.0.0.1", small.port, timeout=30)

    def send(path, **body):
        connection.request("POST", path, dumps(body), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        return answer.status, loads(answer.read())

    yield send
    connection.close()


def test_sessions_that_have_ended_make_room_for_others_while_their_process_runs(small, parent, post, wait_for):
    first = None
    for number in range(120):
        status, content = post("/register", parent_pid=parent.pid, product="P")
        assert status == 200, (number, content)
        first = first or content["session_id"]
        assert post("/event", session_id=content["session_id"], name=f"event {number}")[0] == 200
        assert post("/end", session_id=content["session_id"])[0] == 200
    descriptors = f"/proc/{small.process.pid}/fd"
    if os.path.isdir(descriptors):
        wait_for(lambda: len(os.listdir(descriptors)) < 120, "descriptors that are given back")
    assert small.session(first)["events"][0]["name"] == "event 0"
    assert post("/event", session_id=first, name="afterwards")[0] == 200  # it is taken up again
    assert [event["name"] for event in small.session(first)["events"]] == ["event 0", "afterwards"]
    assert len(small.ask("GET", "/sessions")[1]) == 120
    for _ in range(50):
        assert post("/register", parent_pid=parent.pid)[0] == 200
    assert post("/register", parent_pid=parent.pid)[0] == 503


def test_what_is_kept_to_be_looked_at_has_one_bound(small, parent, post):
    words = ["x" * 1_000] * 200
    sessions = [small.register(parent.pid) for _ in range(6)]
    for session in sessions:
        for number in range(18):
            assert post("/state", session_id=session, state={f"part {number}": words})[0] == 200
    kept = [len(small.session(session)["state"]) for session in sessions]
    assert kept[-1] == 20 and kept[0] < 20, kept
    assert small.session(sessions[0])["active"]
