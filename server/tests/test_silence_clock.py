"""A clock that is set ahead makes nobody silent."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest
from datacat_server.chores import silence
from datacat_server.config import Config
from datacat_server.store.sqlite import SqliteStore


def test_after_a_clock_was_set_ahead_every_session_has_the_whole_timeout_to_speak_up(
    store: SqliteStore, send: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[float] = []
    suspend = store.suspend_silent

    def note(*arguments: Any) -> int:
        calls.append(time.monotonic())
        return suspend(*arguments)

    monkeypatch.setattr(store, "suspend_silent", note)
    monkeypatch.setattr(silence, "_LOOK_SECONDS", 0.02)
    # The same as a wall clock that goes ahead by an hour: the one that tells the time that passed falls behind it.
    behind = [0.0]
    monkeypatch.setattr(silence, "time", _Clock(behind))
    send("s1", "1-0", 0, [{"kind": "event", "name": "x"}])

    async def watch() -> float:
        watching = asyncio.create_task(silence.watch_silence(store, Config(heartbeat_timeout_seconds=0.5)))
        while len(calls) < 3:
            await asyncio.sleep(0.01)
        behind[0], ahead = 3600.0, time.monotonic()
        count = len(calls)
        while len(calls) < count + 3:  # one may have begun before
            await asyncio.sleep(0.01)
        watching.cancel()
        return ahead

    ahead = asyncio.run(watch())
    assert not [call for call in calls if ahead + 0.05 < call < ahead + 0.5]
    assert store.session("s1", ()).status == "suspended"


class _Clock:
    def __init__(self, behind: list[float]) -> None:
        self._behind = behind

    def monotonic(self) -> float:
        return time.monotonic() - self._behind[0]
