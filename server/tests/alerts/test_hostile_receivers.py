"""Whatever a receiver does, others do not wait for it, and nothing of it gets into a log or holds up the server."""

import logging
import signal
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from datacat_server.alerts import courier, sending
from datacat_server.store.errors import StoreUnavailable
from datacat_server.store.sqlite import SqliteStore
from datacat_server.webhook import read_webhooks
from support.webhooks import CRASH, Delivery, Receiver, never, post, started, wait_until

Deliver = Callable[..., Delivery]
Send = Callable[..., Any]


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


def test_a_server_whose_receiver_hangs_stops_when_it_is_told_to(start: Any, tmp_path: Path, receiver: Receiver) -> None:
    receiver.answers = [never]
    server, address = started(start, tmp_path, receiver)
    post(f"{address}/api/sessions", {"product": "P", "id": "s1"})
    post(f"{address}/api/sessions/s1/crash", {})
    receiver.wait_for(1)
    code, _, err = server.finish(signal.SIGTERM)
    assert (code, err) == (0, "")
