"""A clock that is far ahead does not have everything removed at once."""

import asyncio
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from datacat_server.chores import retention
from datacat_server.config import Config
from datacat_server.store.sqlite import SqliteStore

Send = Callable[..., Any]
SHORT = Config(retention_days=1e-9, cleanup_interval_hours=1e-5)


def left(store: SqliteStore) -> list[str]:
    return sorted(session.id for session in store.sessions().sessions)


def rounds(store: SqliteStore, until: Callable[[], bool], then: Callable[[], None] = lambda: None) -> None:
    """Keep the retention until a condition holds, do something, and go on for some rounds more."""

    async def go_on() -> None:
        keeping = asyncio.create_task(retention.keep_retention(store, SHORT))
        while not until():
            await asyncio.sleep(0.01)
        then()
        await asyncio.sleep(0.3)
        keeping.cancel()

    asyncio.run(go_on())


def test_a_server_that_starts_with_a_clock_far_ahead_removes_nothing_for_an_hour(
    store: SqliteStore, send: Send, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    send("first", "1-0", 0, [{"kind": "event", "name": "x"}])
    monkeypatch.setattr(retention, "_MOST_AHEAD", timedelta(seconds=0.2))
    time.sleep(0.3)
    rounds(store, lambda: bool(caplog.messages))
    assert left(store) == ["first"]
    assert "1 sessions that were silent for 1e-09 days are removed in an hour" in caplog.text
    send("second", "1-0", 0, [{"kind": "event", "name": "x"}])  # heard by this clock: it is as it was
    rounds(store, lambda: not left(store))


def test_a_clock_that_is_set_ahead_while_the_server_runs_has_nothing_removed_for_an_hour(
    store: SqliteStore, send: Send, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    send("first", "1-0", 0, [{"kind": "event", "name": "x"}])
    # The same as a wall clock that goes ahead by 400 days: what tells the time that passed falls behind it.
    behind = [0.0]
    monkeypatch.setattr(retention, "through_sleep", lambda: time.monotonic() - behind[0])

    def set_ahead() -> None:
        behind[0] = 400 * 86_400.0
        send("second", "1-0", 0, [{"kind": "event", "name": "x"}])

    rounds(store, lambda: not left(store), set_ahead)
    assert left(store) == ["second"]
    assert "more than a day later than was to be expected" in caplog.text
