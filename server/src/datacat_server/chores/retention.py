"""Removes what is past its retention, for as long as a server runs.

A clock that was set years ahead would have everything removed. So nothing is for an hour after it has gone ahead of the
time that passed by more than a day, and in the first hour of a server of which nothing was heard for more than a day.
"""

import asyncio
import logging
from datetime import UTC, datetime, timedelta

from datacat_daemon.watching.sleep import through_sleep

from datacat_server.config import Config
from datacat_server.store.errors import StoreError
from datacat_server.store.protocol import Store

log = logging.getLogger("datacat.retention")

_MOST_DAYS = 500_000
_RETRY_SECONDS = 60.0
_MOST_AHEAD = timedelta(days=1)
_DOUBT_SECONDS = 3600.0


async def keep_retention(store: Store, config: Config) -> None:
    """Remove the sessions that were silent for longer than the retention, now and at each interval, until cancelled.

    What cannot be done, because the disk is full for example, is tried again each minute.
    """
    retention = timedelta(days=min(config.retention_days, _MOST_DAYS))
    looked: tuple[datetime, float] | None = None
    while True:
        wait = config.cleanup_interval_hours * 3600
        now, through = datetime.now(UTC), through_sleep()
        try:
            if looked is None:
                doubtful = await asyncio.to_thread(_is_all_silent, store, now - _MOST_AHEAD)
            else:
                doubtful = now - looked[0] - timedelta(seconds=through - looked[1]) > _MOST_AHEAD
            looked = now, through
            if doubtful and (waiting := await asyncio.to_thread(store.silent, now - retention)):
                log.warning(
                    "it is %s, more than a day later than was to be expected: if that is so, "
                    "%d sessions that were silent for %s days are removed in an hour",
                    now.isoformat(timespec="seconds"),
                    waiting,
                    config.retention_days,
                )
                wait = _DOUBT_SECONDS
            elif removed := await asyncio.to_thread(store.prune, now - retention):
                log.info("removed %d sessions that were silent for %s days", removed, config.retention_days)
        except StoreError as error:
            log.error("sessions past their retention could not be removed: %s", error)
            wait = min(wait, _RETRY_SECONDS)
        await asyncio.sleep(wait)


def _is_all_silent(store: Store, since: datetime) -> bool:
    """There are sessions, and nothing came from any of them since an instant."""
    return 0 < store.silent(datetime.max.replace(tzinfo=UTC)) == store.silent(since)
