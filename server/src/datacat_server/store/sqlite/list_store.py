"""The store's calls for lists of sessions: their activity, and the words to filter them by."""

from collections.abc import Sequence
from typing import Any

from datacat_server.store.lists import Activity
from datacat_server.store.sqlite.file.connection import Readers
from datacat_server.store.sqlite.reading import vocabulary
from datacat_server.store.sqlite.reading.activity import read_activity


class ListCalls:
    """What `SqliteStore` offers as `ListStore`."""

    _readers: Readers

    def activity(self, session_ids: Sequence[str], parts: int) -> dict[str, Activity]:
        with self._readers.snapshot() as db:
            found = {session_id: read_activity(db, session_id, parts) for session_id in session_ids}
        return {session_id: activity for session_id, activity in found.items() if activity is not None}

    def products(self, like: str = "", *, limit: int = 20) -> list[str]:
        with self._readers.snapshot() as db:
            return vocabulary.read_products(db, like, limit)

    def versions(self, like: str = "", *, product: str | None = None, limit: int = 20) -> list[str]:
        with self._readers.snapshot() as db:
            return vocabulary.read_versions(db, like, product, limit)

    def machines(self, like: str = "", *, limit: int = 20) -> list[str]:
        with self._readers.snapshot() as db:
            return vocabulary.read_machines(db, like, limit)

    def state_paths(self, like: str = "", *, elements: bool = False, limit: int = 20) -> list[str]:
        with self._readers.snapshot() as db:
            return vocabulary.read_paths(db, like, elements, limit)

    def state_values(self, path: str, like: str = "", *, elements: bool = False, limit: int = 20) -> list[Any]:
        with self._readers.snapshot() as db:
            return vocabulary.read_values(db, path, like, elements, limit)
