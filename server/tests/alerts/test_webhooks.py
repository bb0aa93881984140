"""What happens is told to whoever wants to know it: signed, once more until it is taken, and never too often."""

import hashlib
import hmac
import json
import logging
import re
import signal
import socket
import time
import urllib.request
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from datacat_server.alerts import courier, pace, sending
from datacat_server.alerts.pace import Rate, wait_after
from datacat_server.alerts.signature import sign
from datacat_server.store.errors import StoreUnavailable
from datacat_server.store.sqlite import SqliteStore, alerts
from datacat_server.webhook import read_webhooks
from litestar.testing import TestClient
from support.webhooks import Delivery, Receiver, wait_until, webhooks

DOCUMENT = Path(__file__).parents[3] / "docs" / "webhooks.md"
Deliver = Callable[..., Delivery]
Send = Callable[..., Any]
CRASH = {"kind": "status", "status": "crashed", "reason": "killed by SIGSEGV", "data": {"kind": "signal"}}
HANG = {"kind": "status", "status": "hung", "reason": "the heartbeat stopped"}
RAISED = {
    "kind": "event", "name": "exception", "exception_type": "KeyError", "exception_msg": "'x'",
    "stacktrace": ["Traceback (most recent call last):", '  File "/app/game.py", line 3, in load', "KeyError: 'x'"],
}  # fmt: skip


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """What waits for something that has happened already need not wait long."""
    monkeypatch.setattr(courier, "_LOOK_SECONDS", 0.05)
    monkeypatch.setattr(pace, "FIRST_WAIT", 0.1)
    monkeypatch.setattr(alerts, "_VERDICT_WITHIN_SECONDS", 0.0)


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
    assert problem.content["problem_url"] is None  # no page would answer it
    assert problem.content["url"].endswith("/sessions/s1")


def test_a_crash_by_an_exception_that_comes_before_its_verdict_is_one_new_problem_in_three_runs(
    deliver: Deliver, receiver: Receiver, send: Send, api: TestClient[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alerts, "_VERDICT_WITHIN_SECONDS", 60.0)
    deliver({"url": receiver.url})
    ended = {
        "kind": "status", "status": "crashed", "reason": "uncaught exception KeyError: 'x'",
        "data": {"kind": "exception", "exception_type": "KeyError"},
    }  # fmt: skip
    for session in ("s1", "s2", "s3"):
        send(session, "1-0", 0, [RAISED])
        time.sleep(0.2)  # several looks of the courier, which is to wait for the verdict
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


def test_a_failure_is_tried_again_with_the_same_id_and_body_in_order(
    deliver: Deliver, receiver: Receiver, send: Send
) -> None:
    receiver.answers = [500, 302, 429, 404]
    deliver({"url": receiver.url, "events": ["crash"], "secret": "x"})
    send("s1", "1-0", 0, [CRASH])
    send("s2", "1-0", 0, [CRASH])
    requests = receiver.wait_for(6)
    assert len({one.delivery for one in requests[:5]}) == len({one.body for one in requests[:5]}) == 1
    assert requests[5].content["session"]["id"] == "s2"


def test_a_receiver_that_is_away_gets_it_when_it_is_back(
    deliver: Deliver, make_receiver: Callable[[], Receiver], store: SqliteStore, send: Send
) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        address = nobody.getsockname()
        deliver({"url": f"http://127.0.0.1:{address[1]}/", "events": ["crash"]})
        send("s1", "1-0", 0, [CRASH])
        wait_until(lambda: webhooks(store)[0][2] >= 2)
    with socket.create_server(address) as listener:
        connection, _ = listener.accept()
        with connection:
            assert connection.recv(100).startswith(b"POST / HTTP/1.1")
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            wait_until(lambda: webhooks(store)[0][1] > 0)


def test_what_a_receiver_refuses_for_good_is_given_up_and_the_next_is_sent(
    deliver: Deliver, receiver: Receiver, send: Send, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.answers = [422, 200]
    deliver({"url": receiver.url, "events": ["crash"]})
    send("s1", "1-0", 0, [CRASH])
    send("s2", "1-0", 0, [CRASH])
    assert [one.content["session"]["id"] for one in receiver.wait_for(2)] == ["s1", "s2"]
    assert "refused crash" in caplog.text


def test_a_receiver_that_is_gone_gets_nothing_more_until_the_next_start(
    deliver: Deliver, make_receiver: Callable[[], Receiver], send: Send
) -> None:
    gone, other = make_receiver(), make_receiver()
    gone.answers = [410]
    hooks = [{"url": gone.url, "events": ["crash"]}, {"url": other.url, "events": ["crash"]}]
    delivery = deliver(*hooks)
    send("s1", "1-0", 0, [CRASH])
    gone.wait_for(1)
    other.wait_for(1)
    send("s2", "1-0", 0, [CRASH])
    other.wait_for(2)
    assert len(gone.requests) == 1
    delivery.stop()
    deliver(*hooks)
    assert [one.content["session"]["id"] for one in gone.wait_for(3)] == ["s1", "s1", "s2"]


def test_what_cannot_be_delivered_for_a_day_is_given_up(
    deliver: Deliver, receiver: Receiver, send: Send, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(courier, "GIVE_UP_SECONDS", 0.3)
    receiver.answers = [500] * 1000
    deliver({"url": receiver.url, "events": ["crash"]})
    send("s1", "1-0", 0, [CRASH])
    send("s2", "1-0", 0, [CRASH])
    wait_until(lambda: len({one.delivery for one in receiver.requests}) == 2)
    assert "gave up crash" in caplog.text


def never(handler: BaseHTTPRequestHandler) -> None:
    """No answer, until the other side has enough."""
    handler.rfile.read(1)


def endlessly(handler: BaseHTTPRequestHandler) -> None:
    """A header, a little at a time, without an end."""
    try:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
        while True:
            handler.wfile.write(b"x")
            time.sleep(0.05)
    except OSError:
        return


def flooding(handler: BaseHTTPRequestHandler) -> None:
    """A body without an end, as fast as it is taken."""
    try:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            handler.wfile.write(bytes(2**20))
    except OSError:
        return


@pytest.mark.parametrize("behave", [never, endlessly])
def test_a_receiver_that_hangs_keeps_nobody_else_waiting_and_is_asked_again(
    deliver: Deliver,
    make_receiver: Callable[[], Receiver],
    send: Send,
    monkeypatch: pytest.MonkeyPatch,
    behave: Callable[[BaseHTTPRequestHandler], None],
) -> None:
    monkeypatch.setattr(sending, "TIMEOUT_SECONDS", 0.5)
    hostile, other = make_receiver(), make_receiver()
    hostile.answers = [behave]
    deliver({"url": hostile.url, "events": ["crash"]}, {"url": other.url, "events": ["crash"]})
    send("s1", "1-0", 0, [CRASH])
    other.wait_for(1)
    first, second = hostile.wait_for(2)
    assert first.delivery == second.delivery


def test_an_answer_without_an_end_is_not_listened_to(deliver: Deliver, receiver: Receiver, send: Send) -> None:
    receiver.answers = [flooding]
    deliver({"url": receiver.url, "events": ["crash"]})
    send("s1", "1-0", 0, [CRASH])
    send("s2", "1-0", 0, [CRASH])
    assert [one.content["session"]["id"] for one in receiver.wait_for(2)] == ["s1", "s2"]


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


def test_the_log_never_shows_what_may_be_secret_in_an_address(
    deliver: Deliver, receiver: Receiver, send: Send, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.answers = [500, 422]
    with caplog.at_level(logging.DEBUG):
        deliver({"url": receiver.url, "events": ["crash"], "secret": "s3cret"})
        send("s1", "1-0", 0, [CRASH])
        receiver.wait_for(2)
        wait_until(lambda: "refused" in caplog.text)
    assert "http://127.0.0.1:" in caplog.text
    assert "path-that-is-secret" not in caplog.text
    assert "s3cret" not in caplog.text


def test_what_fails_at_one_webhook_does_not_end_the_others_or_itself(
    deliver: Deliver,
    make_receiver: Callable[[], Receiver],
    store: SqliteStore,
    send: Send,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A disk that is full, and then whatever nobody has thought of."""
    monkeypatch.setattr(courier, "_RETRY_SECONDS", 0.1)
    errors = [StoreUnavailable("the disk is full"), RuntimeError("unthought of")]
    first, second = make_receiver(), make_receiver()
    begin = store.alerts.begin

    def failing(webhook: str, delivery: Any) -> None:
        if webhook == read_webhooks([{"url": first.url}])[0].id and errors:
            raise errors.pop()
        begin(webhook, delivery)

    monkeypatch.setattr(store.alerts, "begin", failing)
    deliver({"url": first.url, "events": ["crash"]}, {"url": second.url, "events": ["crash"]})
    send("s1", "1-0", 0, [CRASH])
    second.wait_for(1)
    assert first.wait_for(1)[0].content["session"]["id"] == "s1"
    assert errors == []


def started(start: Any, tmp_path: Path, receiver: Receiver) -> tuple[Any, str]:
    hooks = [{"url": receiver.url, "events": ["crash"]}]
    (tmp_path / "config.json").write_text(json.dumps({"webhooks": hooks}))
    server = start("datacat-server", "--port", "0")
    return server, server.addresses()[0]


def post(url: str, content: dict[str, Any]) -> None:
    body = json.dumps(content).encode()
    headers = {"Content-Type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=60) as answer:
        assert answer.status == 200


def test_a_kill_of_the_server_loses_no_alert_and_a_double_has_the_same_id(
    start: Any, tmp_path: Path, receiver: Receiver
) -> None:
    """Killed while the receiver has it and has not answered yet, and killed right after an acknowledge."""
    receiver.answers = [never]
    server, address = started(start, tmp_path, receiver)
    post(f"{address}/api/sessions", {"product": "P", "id": "s1"})
    post(f"{address}/api/sessions/s1/crash", {"reason": "it fell"})
    receiver.wait_for(1)
    post(f"{address}/api/sessions", {"product": "P", "id": "s2"})
    post(f"{address}/api/sessions/s2/crash", {"reason": "it fell"})
    server.finish(signal.SIGKILL)
    server, _ = started(start, tmp_path, receiver)
    first, again, second = receiver.wait_for(3)
    assert (first.delivery, first.body) == (again.delivery, again.body)
    assert second.content["session"]["id"] == "s2"
    assert server.finish(signal.SIGTERM)[0] == 0
    assert len(receiver.requests) == 3


def test_a_server_whose_receiver_hangs_stops_when_it_is_told_to(start: Any, tmp_path: Path, receiver: Receiver) -> None:
    receiver.answers = [never]
    server, address = started(start, tmp_path, receiver)
    post(f"{address}/api/sessions", {"product": "P", "id": "s1"})
    post(f"{address}/api/sessions/s1/crash", {})
    receiver.wait_for(1)
    code, _, err = server.finish(signal.SIGTERM)
    assert (code, err) == (0, "")


def test_alerts_are_listed_in_pages(api: TestClient, send: Send) -> None:
    for number in range(3):
        send(f"s{number}", "1-0", 0, [HANG, CRASH])
    assert len(api.get("/api/alerts").json()["alerts"]) == 8  # two of them for the problems
    first = api.get("/api/alerts", params={"kind": "crash", "limit": 2}).json()
    assert [alert["session"]["id"] for alert in first["alerts"]] == ["s2", "s1"]
    rest = api.get("/api/alerts", params={"kind": "crash", "limit": 2, "cursor": first["cursor"]}).json()
    assert ([alert["session"]["id"] for alert in rest["alerts"]], rest["cursor"]) == (["s0"], None)
    assert api.get("/api/alerts", params={"product": "Other"}).json() == {"alerts": [], "cursor": None}
    noticed = [alert["time"] for alert in api.get("/api/alerts", params={"product": "Game"}).json()["alerts"]]
    assert len(noticed) == 8
    for border in set(noticed):
        parts = [api.get("/api/alerts", params={name: border}).json()["alerts"] for name in ("from", "to")]
        assert [len(part) for part in parts] == [sum(t >= border for t in noticed), sum(t < border for t in noticed)]
    for wrong, details in (
        ({"from": "soon"}, "from: expected"),
        ({"kind": "x"}, "kind: expected one of crash, hang, problem"),
        ({"cursor": "x"}, "cursor: "),
    ):
        answer = api.get("/api/alerts", params=wrong)
        assert answer.status_code == 400
        assert answer.json()["details"].startswith(details)


def test_waits_grow_and_are_never_the_same() -> None:
    assert all(0.05 <= wait_after(1) <= 0.1 for _ in range(20))
    assert all(pace.LONGEST_WAIT / 2 <= wait_after(failures) <= pace.LONGEST_WAIT for failures in (20, 10_000))
    assert len({wait_after(5) for _ in range(20)}) > 10


def test_the_rate_holds_over_a_minute() -> None:
    now = [0.0]
    rate = Rate(30, lambda: now[0])
    sent = [0, 0]
    for step in range(481):
        now[0] = step / 8
        while rate.tokens:
            rate.take()
            sent[step > 0] += 1
    assert sent == [30, 30]  # the thirty at hand, and thirty in the minute


def test_signatures_differ_by_secret_time_and_body() -> None:
    assert len({sign("a", 1, b"x"), sign("b", 1, b"x"), sign("a", 2, b"x"), sign("a", 1, b"y")}) == 4
