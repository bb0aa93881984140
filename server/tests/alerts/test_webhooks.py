"""What happens is told to whoever wants to know it: signed, in order, and never too often."""

import hashlib
import hmac
import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from datacat_server.alerts import courier
from datacat_server.alerts.pace import Rate
from datacat_server.alerts.signature import sign
from datacat_server.store.sqlite import SqliteStore, alerts
from litestar.testing import TestClient
from support.webhooks import CRASH, HANG, RAISED, Delivery, Receiver, wait_until, webhooks

DOCUMENT = Path(__file__).parents[3] / "docs" / "guides" / "webhooks.md"
Deliver = Callable[..., Delivery]
Send = Callable[..., Any]


def test_a_crash_is_told_with_its_session_a_link_and_a_signature(
    deliver: Deliver, receiver: Receiver, send: Send
) -> None:
    deliver({"url": receiver.url, "events": ["crash"], "secret": "s3cret"}, web_url="https://cats.example/")
    send("s1", "1-0", 0, [CRASH], hostname="bluebird")
    (request,) = receiver.wait_for(1)
    assert request.content["kind"] == request.headers["x-datacat-event"] == "crash"
    assert request.content["reason"] == "killed by SIGSEGV"
    assert request.content["url"] == "https://cats.example/sessions/s1"
    session = request.content["session"]
    assert (session["id"], session["product"], session["hostname"]) == ("s1", "Game", "bluebird")
    assert (session["status"], session["crashed"]) == ("crashed", True)
    assert request.content["delivery"] == request.delivery
    timestamp = request.headers["x-datacat-timestamp"]
    signed = hmac.new(b"s3cret", timestamp.encode() + b"." + request.body, hashlib.sha256).hexdigest()
    assert request.headers["x-datacat-signature"] == f"sha256={signed}"
    assert abs(int(timestamp) - time.time()) < 60
    assert request.headers["content-type"] == "application/json"


def test_the_example_of_the_document_tells_what_is_genuine(deliver: Deliver, receiver: Receiver, send: Send) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    example: dict[str, Any] = {}
    exec(code, example)
    is_from_datacat = example["is_from_datacat"]
    deliver({"url": receiver.url, "events": ["crash"], "secret": "s3cret"})
    send("s1", "1-0", 0, [CRASH])
    (request,) = receiver.wait_for(1)
    assert is_from_datacat(request.received, request.body, "s3cret")
    assert not is_from_datacat(request.received, request.body + b" ", "s3cret")
    assert not is_from_datacat(request.received, request.body, "guessed")
    assert not is_from_datacat(request.received, request.body, "s3cret", within_seconds=-1)


def test_each_is_told_what_it_wants_to_know(
    deliver: Deliver, make_receiver: Callable[[], Receiver], send: Send
) -> None:
    everything, hangs, other = make_receiver(), make_receiver(), make_receiver()
    deliver(
        {"url": everything.url}, {"url": hangs.url, "events": ["hang"]}, {"url": other.url, "product": "Another"}
    )  # fmt: skip
    send("s1", "1-0", 0, [RAISED, HANG])
    send("s2", "1-0", 0, [HANG], product="Another")
    send("s3", "1-0", 0, [CRASH])
    expected = {
        ("s1", "hang"),
        ("s1", "problem"),
        ("s2", "hang"),
        ("s2", "problem"),
        ("s3", "crash"),
        ("s3", "problem"),
    }
    # The exception and the hang of s1 are a problem each.
    found = [(one.content["session"]["id"], one.content["kind"]) for one in everything.wait_for(7)]
    assert (set(found), len(found)) == (expected, 7)
    assert [one.content["session"]["id"] for one in hangs.wait_for(2)] == ["s1", "s2"]
    assert {one.content["kind"] for one in other.wait_for(2)} == {"hang", "problem"}
    assert len(other.requests) == 2
    (problem,) = [one for one in everything.requests if "KeyError" in one.content["reason"]]
    assert problem.content["reason"] == "a new problem: KeyError in load"
    assert problem.content["problem_url"].endswith(f"/problems/{problem.content['problem']}")
    assert {one.content["problem_url"] for one in hangs.requests} == {None}
    assert problem.content["url"].endswith("/sessions/s1")


def test_a_crash_by_an_exception_that_comes_before_its_verdict_is_one_new_problem_in_three_runs(
    deliver: Deliver,
    receiver: Receiver,
    send: Send,
    store: SqliteStore,
    api: TestClient[Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(alerts, "_VERDICT_WITHIN_SECONDS", 60.0)
    looks: list[int] = []
    newest = store.alerts.newest

    def look() -> int:
        looks.append(newest())
        return looks[-1]

    monkeypatch.setattr(store.alerts, "newest", look)
    deliver({"url": receiver.url})
    ended = {
        "kind": "status", "status": "crashed", "reason": "uncaught exception KeyError: 'x'",
        "data": {"kind": "exception", "exception_type": "KeyError"},
    }  # fmt: skip
    for session in ("s1", "s2", "s3"):
        send(session, "1-0", 0, [RAISED])
        looks.clear()
        wait_until(lambda: len(looks) >= 3)  # by then the courier has looked, and is to wait for the verdict
        send(session, "1-0", 1, [ended])
    send("s4", "1-0", 0, [HANG])
    told = receiver.wait_for(6)
    kinds = [(one.content["session"]["id"], one.content["kind"]) for one in told]
    assert sorted(kinds) == [
        ("s1", "crash"), ("s1", "problem"), ("s2", "crash"), ("s3", "crash"), ("s4", "hang"), ("s4", "problem"),
    ]  # fmt: skip
    (problem,) = [
        one.content["problem"] for one in told if one.content["session"]["id"] == "s1" and one.content["problem"]
    ]
    assert api.get(f"/api/problems/{problem}").json()["kind"] == "crash"
    named = [one["problem"] for one in api.get("/api/alerts").json()["alerts"] if one["problem"]]
    assert all(api.get(f"/api/problems/{one}").status_code == 200 for one in named)


def test_an_exception_that_ends_nothing_is_told_when_no_verdict_has_come(
    deliver: Deliver, receiver: Receiver, send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alerts, "_VERDICT_WITHIN_SECONDS", 0.3)
    deliver({"url": receiver.url})
    send("s1", "1-0", 0, [RAISED])
    (told,) = receiver.wait_for(1)
    assert (told.content["kind"], told.content["reason"]) == ("problem", "a new problem: KeyError in load")


def test_nothing_is_told_twice_of_a_batch_that_comes_twice(deliver: Deliver, receiver: Receiver, send: Send) -> None:
    deliver({"url": receiver.url})
    for _ in range(2):
        send("s1", "1-0", 0, [HANG, CRASH])
    send("s1", "1-0", 2, [{"kind": "status", "status": "crashed", "reason": "again"}])
    send("s2", "1-0", 0, [HANG])
    found = [(one.content["session"]["id"], one.content["kind"]) for one in receiver.wait_for(5)]
    assert [one for one in found if one[1] != "problem"] == [("s1", "hang"), ("s1", "crash"), ("s2", "hang")]


def test_what_is_too_much_for_single_deliveries_is_told_in_one_with_its_counts(
    deliver: Deliver, receiver: Receiver, store: SqliteStore, send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(courier, "Rate", lambda: Rate(5))
    deliver({"url": receiver.url, "events": ["crash", "hang"]}, web_url="http://cats")
    send("s0", "1-0", 0, [CRASH])
    receiver.wait_for(1)
    lines = [{"kind": "session", "id": f"h{number}", "product": "Hung", "time": 1} for number in range(40)]
    body = b""
    for line in lines:
        writer = {"kind": "writer", "writer": "1-0", "first": 0, "next": 1}
        body += b"".join(
            json.dumps(one).encode() + b"\n"
            for one in (line, writer, HANG | {"writer": "1-0", "ordinal": 0, "time": 9})
        )
    send(body=body)
    requests = receiver.wait_for(5)
    assert [one.content["kind"] for one in requests] == ["crash", "hang", "hang", "hang", "summary"]
    summary = requests[4].content
    assert (summary["count"], summary["kinds"], summary["products"]) == (37, {"hang": 37}, {"Hung": 37})
    assert summary["sessions"][0] == "http://cats/sessions/h3"
    assert len(summary["sessions"]) == 10
    assert requests[4].headers["x-datacat-event"] == "summary"
    wait_until(lambda: webhooks(store)[0][1] == store.alerts.newest())


def test_a_new_webhook_begins_now_and_one_that_was_taken_out_is_forgotten(
    deliver: Deliver, make_receiver: Callable[[], Receiver], send: Send
) -> None:
    first, second = make_receiver(), make_receiver()
    send("before", "1-0", 0, [CRASH])
    hook = {"url": first.url, "events": ["crash"]}
    deliver(hook).stop()
    send("meanwhile", "1-0", 0, [CRASH])
    later = deliver({**hook, "secret": "new"}, {"url": second.url})
    assert first.wait_for(1)[0].content["session"]["id"] == "meanwhile"
    later.stop()
    deliver({"url": second.url}).stop()
    send("unwanted", "1-0", 0, [CRASH])
    deliver(hook)
    send("at-last", "1-0", 0, [CRASH])
    assert first.wait_for(2)[1].content["session"]["id"] == "at-last"


def test_alerts_of_removed_sessions_go_and_leave_no_gap_in_what_is_told(
    deliver: Deliver, receiver: Receiver, store: SqliteStore, send: Send
) -> None:
    hook = {"url": receiver.url, "events": ["crash"]}
    deliver(hook).stop()
    for session in ("s1", "s2"):
        send(session, "1-0", 0, [CRASH])
    store.delete("s2")
    store.clear()
    assert {alert.session.id for alert in store.alerts.page().alerts} == {"s1"}
    send("s3", "1-0", 0, [CRASH])
    deliver(hook)
    assert [one.content["session"]["id"] for one in receiver.wait_for(2)] == ["s1", "s3"]


def test_signatures_differ_by_secret_time_and_body() -> None:
    assert len({sign("a", 1, b"x"), sign("b", 1, b"x"), sign("a", 2, b"x"), sign("a", 1, b"y")}) == 4
