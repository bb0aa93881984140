"""Marks as suspended the sessions of which nothing is heard, for as long as a server runs."""

import asyncio
import logging
import time
from datetime import UTC, datetime, timedelta
from threading import Event

from datacat_server.config import Config
from datacat_server.store.errors import StoreError
from datacat_server.store.protocol import Store

log = logging.getLogger("datacat.silence")

_LOOK_SECONDS = 1.0
_LEAP = timedelta(seconds=1)


async def watch_silence(store: Store, config: Config) -> None:
    """Suspend sessions that were silent for longer than the heartbeat timeout, until cancelled.

    Silence is never taken for a crash: what happened to a process is for its own machine to say. A sign of life ends
    the suspension, in the store.
    """
    timeout = timedelta(seconds=config.heartbeat_timeout_seconds)
    failing = False
    stop = Event()
    try:
        looked: tuple[datetime, float] | None = None
        while True:
            now, awake = datetime.now(UTC), time.monotonic()
            if looked is None or now - looked[0] - timedelta(seconds=awake - looked[1]) > _LEAP:
                # While no server ran, or its machine slept, nobody could be heard; by a clock that was set ahead nobody
                # was for long: every session has the whole timeout to speak up.
                await asyncio.sleep(timeout.total_seconds())
                looked = datetime.now(UTC), time.monotonic()
                continue
            looked = now, awake
            try:
                await asyncio.to_thread(store.suspend_silent, now - timeout, stop)
                failing = False
            except StoreError as error:
                if not failing:
                    log.error("silent sessions could not be marked as suspended: %s", error)
                failing = True
            await asyncio.sleep(min(_LOOK_SECONDS, timeout.total_seconds()))
    finally:
        stop.set()  # a thread cannot be cancelled, and the server ends when it has
