"""Removes what is past its retention, for as long as a server runs."""

import asyncio
import logging
from datetime import UTC, datetime, timedelta

from datacat_server.config import Config
from datacat_server.store.errors import StoreError
from datacat_server.store.protocol import Store

log = logging.getLogger("datacat.retention")

_MOST_DAYS = 500_000


async def keep_retention(store: Store, config: Config) -> None:
    """Remove the sessions that were silent for longer than the retention, now and at each interval, until cancelled."""
    while True:
        before = datetime.now(UTC) - timedelta(days=min(config.retention_days, _MOST_DAYS))
        try:
            removed = await asyncio.to_thread(store.prune, before)
        except StoreError as error:
            log.error("sessions past their retention could not be removed: %s", error)
        else:
            if removed:
                log.info("removed %d sessions that were silent for %s days", removed, config.retention_days)
        await asyncio.sleep(config.cleanup_interval_hours * 3600)
