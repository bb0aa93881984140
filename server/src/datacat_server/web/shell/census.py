"""How many sessions run right now: the figure at the top of every page."""

import threading
import time

from datacat_server.filters import Filter
from datacat_server.model import Status
from datacat_server.store.errors import StoreError
from datacat_server.store.protocol import Store
from datacat_server.wording import number

GOOD_FOR_SECONDS = 1.0


class Census:
    """Counts running sessions, at most once in GOOD_FOR_SECONDS, however many pages are asked for."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._counted = ""
        self._at = -GOOD_FOR_SECONDS

    def active(self) -> str:
        """How many sessions are active, `10,000+` for more than are counted; empty where the store cannot be read."""
        with self._lock:
            if time.monotonic() - self._at >= GOOD_FOR_SECONDS:
                try:
                    page = self._store.sessions(Filter(status=Status.ACTIVE), limit=1)
                    self._counted = number(page.total) + ("+" if page.total_is_capped else "")
                except StoreError:
                    self._counted = ""
                self._at = time.monotonic()
            return self._counted
