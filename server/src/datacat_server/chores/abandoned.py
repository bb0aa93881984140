"""Clears away what imports left that were killed midway, for as long as a server runs."""

import asyncio
import logging

from datacat_server.config import Config
from datacat_server.store.errors import StoreError
from datacat_server.store.protocol import Store

log = logging.getLogger("datacat.retention")

_LOOK_SECONDS = 60.0


async def clear_abandoned(store: Store, _config: Config) -> None:
    """Look each minute whether the time of an import is over, until cancelled.

    It may have been the import of another process, of whose end nobody here is told.
    """
    while True:
        try:
            await asyncio.to_thread(store.clear_abandoned)
        except StoreError as error:
            log.error("what is left of imports could not be looked at: %s", error)
        await asyncio.sleep(_LOOK_SECONDS)
