"""What a new table is to hold of the sessions that were there before it.

Folded after all tables are there, session by session, as the code that does it is today's. A row in `backfills` is a
migration whose tables are not complete yet, with the last session that is in them; it moves on in the transaction that
folds. So what is broken off goes on there, in whatever process, and nobody else uses the tables before the end.
"""

import logging
import sqlite3
import time
from collections.abc import Callable

from datacat_server.store.progress import Progress
from datacat_server.store.sqlite.file.problem_backfill import backfill_session
from datacat_server.store.sqlite.folds.courses import build_courses
from datacat_server.store.sqlite.folds.event_counts import backfill_event_counts
from datacat_server.store.sqlite.folds.search_terms import build_terms, rebuild_overflowed_terms
from datacat_server.store.sqlite.folds.session_text import write_text
from datacat_server.store.sqlite.folds.timeline import build_timeline_if_long

log = logging.getLogger("datacat.store")

_STEP_SECONDS = 0.5
_SAY_EVERY_SECONDS = 5.0
_AT_ONCE = 500


def _make_findable(db: sqlite3.Connection, session: int) -> None:
    write_text(db, session)
    build_terms(db, session)


def _count(db: sqlite3.Connection, session: int) -> None:
    backfill_session(db, session)
    backfill_event_counts(db, session)


def _fold_long_ones(db: sqlite3.Connection, session: int) -> None:
    build_timeline_if_long(db, session)
    build_courses(db, session)


BACKFILLS: dict[int, Callable[[sqlite3.Connection, int], None]] = {
    5: _make_findable,
    6: _count,
    7: _fold_long_ones,
    10: rebuild_overflowed_terms,
}
"""What folds a session, by the number of the migration that made the tables."""


def note_backfill(db: sqlite3.Connection, number: int) -> None:
    """Have the sessions that are there folded into what migration `number` has made. Inside its transaction."""
    if number in BACKFILLS and db.execute("SELECT 1 FROM sessions LIMIT 1").fetchone():
        db.execute("INSERT INTO backfills VALUES (?, 0)", (number,))


def any_left(db: sqlite3.Connection) -> bool:
    """Whether some sessions are not folded yet, of tables of the newest version."""
    return db.execute("SELECT 1 FROM backfills LIMIT 1").fetchone() is not None


def backfill(db: sqlite3.Connection, progress: Progress | None = None) -> None:
    """Fold what is left, in transactions of about half a second or one session each, and tell how far it is.

    `progress` is told of sessions; where there is none, the log is, now and then.
    """
    tell = progress or _Log()
    migrations = len(_marks(db))
    more = True
    while more:
        db.execute("BEGIN IMMEDIATE")
        try:
            more = _step(db)
            db.execute("COMMIT")
        except BaseException:
            if db.in_transaction:
                db.execute("ROLLBACK")
            raise
        if more:
            tell(*_progress(db, migrations))


class _Log:
    """Tells the log how far it is, and not too often."""

    def __init__(self) -> None:
        self._said = time.monotonic()

    def __call__(self, done: int, total: int) -> None:
        if time.monotonic() >= self._said + _SAY_EVERY_SECONDS:
            self._said = time.monotonic()
            log.info("bringing the tables up to date: %d of %d sessions", done, total)


def _step(db: sqlite3.Connection) -> bool:
    """Fold some sessions; whether there may be more."""
    # Asked inside the transaction: another process may be doing the same.
    found = db.execute("SELECT number, last FROM backfills ORDER BY number LIMIT 1").fetchone()
    if found is None:
        return False
    number, last = found
    deadline = time.monotonic() + _STEP_SECONDS
    while some := db.execute("SELECT id FROM sessions WHERE id > ? ORDER BY id LIMIT ?", (last, _AT_ONCE)).fetchall():
        for (session,) in some:
            BACKFILLS[number](db, session)
            last = session
            if time.monotonic() >= deadline:
                db.execute("UPDATE backfills SET last = ? WHERE number = ?", (last, number))
                return True
    db.execute("DELETE FROM backfills WHERE number = ?", (number,))
    return True


def _progress(db: sqlite3.Connection, migrations: int) -> tuple[int, int]:
    """How many sessions are folded, as far as their share of so many migrations goes, and of how many."""
    sessions: int = db.execute("SELECT count(*) FROM sessions").fetchone()[0]
    left = sum(db.execute("SELECT count(*) FROM sessions WHERE id > ?", mark).fetchone()[0] for mark in _marks(db))
    return sessions - left // migrations, sessions


def _marks(db: sqlite3.Connection) -> list[tuple[int]]:
    return db.execute("SELECT last FROM backfills").fetchall()
