"""The store's call for events as they come in."""

from datacat_server.store.arrivals import Arrivals
from datacat_server.store.sqlite.file.connection import Readers
from datacat_server.store.sqlite.reading.arrivals import read_arrivals
from datacat_server.store.views import EventQuery


class ArrivalCalls:
    """What `SqliteStore` offers as `ArrivalStore`."""

    _readers: Readers

    def arrivals(
        self,
        wanted: EventQuery,
        *,
        after: int | None = None,
        limit: int = 100,
        product: str | None = None,
        session_id: str | None = None,
    ) -> Arrivals:
        with self._readers.snapshot() as db:
            return read_arrivals(db, wanted, after, limit, product, session_id)
