"""Marks as suspended the sessions of which nothing is heard, for as long as a server runs."""

import asyncio
import logging
from datetime import UTC, datetime, timedelta
from threading import Event

from datacat_server.config import Config
from datacat_server.store.errors import StoreError
from datacat_server.store.protocol import Store

log = logging.getLogger("datacat.silence")

_LOOK_SECONDS = 1.0


async def watch_silence(store: Store, config: Config) -> None:
    """Suspend sessions that were silent for longer than the heartbeat timeout, until cancelled.

    Silence is never taken for a crash: what happened to a process is for its own machine to say. A sign of life ends
    the suspension, in the store.
    """
    timeout = timedelta(seconds=config.heartbeat_timeout_seconds)
    # While no server ran nobody could be heard: every session has the whole timeout to speak up.
    await asyncio.sleep(timeout.total_seconds())
    failing = False
    stop = Event()
    try:
        while True:
            try:
                await asyncio.to_thread(store.suspend_silent, datetime.now(UTC) - timeout, stop)
                failing = False
            except StoreError as error:
                if not failing:
                    log.error("silent sessions could not be marked as suspended: %s", error)
                failing = True
            await asyncio.sleep(min(_LOOK_SECONDS, timeout.total_seconds()))
    finally:
        stop.set()  # a thread cannot be cancelled, and the server ends when it has
