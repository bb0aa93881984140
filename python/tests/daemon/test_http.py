"""The daemon's HTTP endpoints: a program in any language is a session like any other, and what was answered arrives."""

import contextlib
import http.client
import subprocess
import threading

import pytest
from support.http_daemon import HttpDaemon


@pytest.fixture
def daemon(bench, server):
    """A standalone daemon that ships to `server`."""
    return HttpDaemon(bench, server.url)


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


def test_an_exception_that_is_said_to_be_uncaught_is_why_the_program_failed(bench, daemon, server):
    process = subprocess.Popen(["sh", "-c", "read line; exit 2"], stdin=subprocess.PIPE)
    bench.started.append(process)
    session = daemon.register(process.pid)
    daemon.post("/event", session_id=session, exception_type="panic", exception_msg="no map", uncaught=True)
    assert daemon.ask("POST", "/event", {"session_id": session, "exception_type": "x", "uncaught": 1})[0] == 400
    process.stdin.close()
    found = server.wait_for_verdict("crashed", session)
    assert found["reason"] == "uncaught exception panic: no map"
    assert (found["data"]["kind"], found["data"]["exit_code"]) == ("exception", 2)


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


def test_what_is_logged_after_the_end_still_arrives(daemon, server, parent, wait_for):
    session = daemon.register(parent.pid)
    daemon.post("/end", session_id=session)
    server.wait_for_verdict("ended")
    daemon.post("/end", session_id=session)
    daemon.post("/event", session_id=session, name="afterwards")
    wait_for(lambda: server.records("event"), "the event")
    assert server.verdicts() == ["ended"]
