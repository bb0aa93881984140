"""A delivery that a receiver fails at is set aside while others wait: they go on, and it is tried beside them."""

from collections.abc import Callable
from typing import Any

import pytest
from datacat_server.alerts import courier
from datacat_server.alerts.pace import MOST_ASIDE
from datacat_server.store.sqlite import SqliteStore
from support.webhooks import CRASH, HANG, Delivery, Receiver, Request, wait_until, webhooks

Deliver = Callable[..., Delivery]
Send = Callable[..., Any]


def is_of(session: str) -> Callable[[Request], bool]:
    """Whether a request tells of a session."""
    return lambda request: bool(request.content.get("session", {}).get("id") == session)


@pytest.fixture(autouse=True)
def soon_set_aside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(courier, "FAILURES_BEFORE_ASIDE", 3)


def told(receiver: Receiver) -> list[str]:
    """The sessions of what was taken, in order."""
    return [one.content["session"]["id"] for one in receiver.requests if receiver.judge(one) == 200]


def test_what_a_receiver_fails_at_does_not_hold_up_what_comes_after_it(
    deliver: Deliver, receiver: Receiver, store: SqliteStore, send: Send
) -> None:
    refused = is_of("s1")
    receiver.judge = lambda request: 500 if refused(request) else 200
    deliver({"url": receiver.url, "events": ["crash"]})
    for number in range(4):
        send(f"s{number}", "1-0", 0, [CRASH])
    wait_until(lambda: len(told(receiver)) == 3)
    assert told(receiver) == ["s0", "s2", "s3"], "the others keep their order"
    attempts = len(list(filter(refused, receiver.requests)))
    wait_until(lambda: len(list(filter(refused, receiver.requests))) > attempts)
    assert len({one.delivery for one in receiver.requests if refused(one)}) == 1
    receiver.judge = lambda request: 200
    wait_until(lambda: len(webhooks(store)) == 1)  # nothing is aside any more
    assert refused(receiver.requests[-1])
    count = len(receiver.requests)
    send("s9", "1-0", 0, [CRASH])
    receiver.wait_for(count + 1)
    assert is_of("s9")(receiver.requests[count]), "what was taken is not sent again"


def test_what_nobody_waits_behind_is_not_set_aside(
    deliver: Deliver, receiver: Receiver, store: SqliteStore, send: Send
) -> None:
    receiver.judge = lambda request: 500
    deliver({"url": receiver.url, "events": ["crash"]})
    send("s1", "1-0", 0, [CRASH])
    send("s2", "1-0", 0, [HANG])  # which this one is not told of
    receiver.wait_for(5)
    assert len(webhooks(store)) == 1


def test_of_a_receiver_that_fails_at_everything_only_a_few_are_set_aside(
    deliver: Deliver, receiver: Receiver, store: SqliteStore, send: Send
) -> None:
    receiver.judge = lambda request: 500
    deliver({"url": receiver.url, "events": ["crash"]})
    for number in range(10):
        send(f"s{number}", "1-0", 0, [CRASH])
    fourth = is_of("s3")
    wait_until(lambda: len(list(filter(fourth, receiver.requests))) > 5)
    assert len(webhooks(store)) == 1 + MOST_ASIDE
    assert not any(map(is_of("s4"), receiver.requests))
    receiver.judge = lambda request: 200
    wait_until(lambda: webhooks(store)[0][1] == store.alerts.newest() and len(webhooks(store)) == 1)


def test_what_was_set_aside_is_sent_by_the_next_server_and_forgotten_with_its_webhook(
    deliver: Deliver, receiver: Receiver, store: SqliteStore, send: Send
) -> None:
    receiver.judge = lambda request: 500
    hook = {"url": receiver.url, "events": ["crash"]}
    delivery = deliver(hook)
    send("s1", "1-0", 0, [CRASH])
    send("s2", "1-0", 0, [CRASH])
    wait_until(lambda: any(map(is_of("s2"), receiver.requests)))
    delivery.stop()
    before = {one.delivery for one in receiver.requests}
    receiver.judge = lambda request: 200
    count = len(receiver.requests)
    deliver(hook).stop_after(lambda: len(webhooks(store)) == 1 and webhooks(store)[0][1] == store.alerts.newest())
    assert {one.delivery for one in receiver.requests[count:]} == before
    assert len(webhooks(store)) == 1
    receiver.judge = lambda request: 500
    delivery = deliver(hook)
    send("s3", "1-0", 0, [CRASH])
    send("s4", "1-0", 0, [CRASH])
    wait_until(lambda: len(webhooks(store)) == 2)
    delivery.stop()
    deliver().stop()
    assert webhooks(store) == []
