"""What was not taken is sent once more until it is, and nothing is lost by a kill."""

import signal
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from datacat_server.alerts import courier, pace
from datacat_server.alerts.pace import Rate, wait_after
from datacat_server.store.sqlite import SqliteStore
from support.webhooks import CRASH, Delivery, Receiver, never, post, started, wait_until, webhooks

Deliver = Callable[..., Delivery]
Send = Callable[..., Any]


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
