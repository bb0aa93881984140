"""What a new table is to hold of the data that was there before it: run after the migration of that number.

In the same transaction, so that a version is there with all that belongs to it or not at all.
"""

import logging
import sqlite3
from collections.abc import Callable

from datacat_server.store.sqlite.courses import build_courses
from datacat_server.store.sqlite.problem_backfill import backfill_problems
from datacat_server.store.sqlite.search_terms import build_terms
from datacat_server.store.sqlite.session_text import write_every_text
from datacat_server.store.sqlite.timeline import build_timelines

log = logging.getLogger("datacat.store")

_MUCH = 10_000


def _make_findable(db: sqlite3.Connection) -> None:
    write_every_text(db)
    build_terms(db)


def _fold_long_ones(db: sqlite3.Connection) -> None:
    build_timelines(db)
    build_courses(db)


BACKFILLS: dict[int, Callable[[sqlite3.Connection], None]] = {
    5: _make_findable,
    6: backfill_problems,
    7: _fold_long_ones,
}
"""By the number of the migration."""


def backfill(db: sqlite3.Connection, number: int) -> None:
    """Fill what migration `number` has made, where there is something to fill it with."""
    if (fill := BACKFILLS.get(number)) is None:
        return
    sessions = db.execute("SELECT count(*) FROM sessions").fetchone()[0]
    if sessions >= _MUCH:
        log.info("bringing %d sessions up to version %d of the tables; this takes a while", sessions, number)
    fill(db)
