"""The sizes of the file, and how many sessions there are by status."""

import sqlite3
import threading
import time
from contextlib import suppress
from pathlib import Path

from datacat_server.model import Status

_FRESH_SECONDS = 10.0
_SIZES = ("page_size", "page_count", "freelist_count")


class SessionCounts:
    """How many sessions there are by status, counted in their index, and then taken as true for ten seconds."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[str, int] = {}
        self._counted = float("-inf")

    def read(self, db: sqlite3.Connection) -> dict[str, int]:
        with self._lock:
            if time.monotonic() - self._counted > _FRESH_SECONDS:
                found = dict(db.execute("SELECT status, COUNT(*) FROM sessions GROUP BY status"))
                self._counts = {str(status): found.get(status, 0) for status in Status}
                self._counted = time.monotonic()
            return self._counts


def read_sizes(db: sqlite3.Connection, path: Path) -> tuple[int, int, int]:
    """In bytes: the database, its write-ahead log, and what of the database is free."""
    size, pages, free = (
        db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_size", "page_count", "freelist_count")
    )
    log = 0
    with suppress(OSError):
        log = path.with_name(f"{path.name}-wal").stat().st_size
    return size * pages, log, size * free
