"""What the tests of webhooks share: receivers, and the delivery to them."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from datacat_server.alerts import courier, pace
from datacat_server.config import Config
from datacat_server.store.sqlite import SqliteStore, alerts
from datacat_server.webhook import read_webhooks
from support.webhooks import Delivery, Receiver


@pytest.fixture
def make_receiver() -> Iterator[Callable[[], Receiver]]:
    made: list[Receiver] = []

    def make() -> Receiver:
        made.append(Receiver())
        return made[-1]

    yield make
    for receiver in made:
        receiver.close()


@pytest.fixture
def receiver(make_receiver: Callable[[], Receiver]) -> Receiver:
    return make_receiver()


@pytest.fixture
def deliver(store: SqliteStore) -> Iterator[Callable[..., Delivery]]:
    """Begins to deliver: `deliver({"url": ...}, ...)`."""
    begun: list[Delivery] = []

    def deliver(*hooks: dict[str, Any], **settings: Any) -> Delivery:
        begun.append(Delivery(store, Config(webhooks=read_webhooks(list(hooks)), **settings)))
        return begun[-1]

    yield deliver
    for delivery in begun:
        delivery.stop()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """What waits for something that has happened already need not wait long."""
    monkeypatch.setattr(courier, "_LOOK_SECONDS", 0.05)
    monkeypatch.setattr(pace, "FIRST_WAIT", 0.1)
    monkeypatch.setattr(alerts, "_VERDICT_WITHIN_SECONDS", 0.0)
