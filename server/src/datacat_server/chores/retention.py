"""Removes what is past its retention, for as long as a server runs."""

import asyncio
import logging
from datetime import UTC, datetime, timedelta

from datacat_server.config import Config
from datacat_server.store.errors import StoreError
from datacat_server.store.protocol import Store

log = logging.getLogger("datacat.retention")

_MOST_DAYS = 500_000
_RETRY_SECONDS = 60.0


async def keep_retention(store: Store, config: Config) -> None:
    """Remove the sessions that were silent for longer than the retention, now and at each interval, until cancelled.

    What cannot be done, because the disk is full for example, is tried again each minute.
    """
    while True:
        wait = config.cleanup_interval_hours * 3600
        before = datetime.now(UTC) - timedelta(days=min(config.retention_days, _MOST_DAYS))
        try:
            removed = await asyncio.to_thread(store.prune, before)
        except StoreError as error:
            log.error("sessions past their retention could not be removed: %s", error)
            wait = min(wait, _RETRY_SECONDS)
        else:
            if removed:
                log.info("removed %d sessions that were silent for %s days", removed, config.retention_days)
        await asyncio.sleep(wait)
