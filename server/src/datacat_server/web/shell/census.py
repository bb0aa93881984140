"""How many sessions run right now: the figure at the top of every page."""

import threading

from datacat_server.filters import Filter
from datacat_server.model import Status
from datacat_server.store.errors import StoreError
from datacat_server.store.protocol import Store
from datacat_server.wording import number


class Census:
    """Counts running sessions, once for every change of the store, however many pages are asked for.

    Not less often: the last page that is brought up to date after a change would show for long what was so before it.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._counted = ""
        self._token: object = None

    def active(self) -> str:
        """How many sessions are active, `10,000+` for more than are counted; empty where the store cannot be read."""
        with self._lock:
            try:
                token = self._store.change_token()
                if token != self._token or not self._counted:
                    page = self._store.sessions(Filter(status=Status.ACTIVE), limit=1)
                    self._counted = number(page.total) + ("+" if page.total_is_capped else "")
                    self._token = token
            except StoreError:
                self._counted = ""
            return self._counted
