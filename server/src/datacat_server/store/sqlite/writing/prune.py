"""Removes sessions so that nothing that comes in has to wait for it, however large they are.

A session is gone at once, by its row in `sessions`; its number goes into `removals`. What belongs to it is cleared
away in steps of bounded size, each in a transaction of its own, and so are the free pages given back to the file
system. After a crash the steps go on where they were. No new session takes a number that is in `removals`.

A session that is being imported (`importing`) has its number there too, with an instant: its records are cleared away
unless it is whole by then, or the instant was put off.
"""

import sqlite3
import time

from datacat_server.store.sqlite.folds.releases import read_counted
from datacat_server.store.sqlite.folds.search_terms import clear_terms
from datacat_server.store.sqlite.folds.tally import remove_tally

_STEP_ROWS = 5_000
STEP_SECONDS = 0.025
"""So long what comes in waits for one step of what need not be done at once."""
_CHUNK_ROWS = 250
_STEP_PAGES = 500
KEPT_FREE_PAGES = 1_024
"""Free pages that are not given back: what comes in next takes them without growing the file."""

# Those with rows of their own; `points` belong to series, and `writers` are few.
_LARGE_TABLES = ("events", "state_changes", "snapshots", "verdicts", "refusals", "event_counts", "alerts", "returns")


def condemn(db: sqlite3.Connection, session: int) -> None:
    """Make a session disappear; what belongs to it is left to `clear_some`."""
    counted = read_counted(db, session)
    db.execute("DELETE FROM sessions WHERE id = ?", (session,))
    remove_tally(db, session, counted)
    db.execute("INSERT INTO removals (session) VALUES (?)", (session,))


def clear_some(db: sqlite3.Connection, *, sparing: bool = False) -> bool:
    """One step of clearing away what belongs to condemned sessions; whether something is left.

    `sparing`: a short one, which needs little space on a full disk.
    """
    left = _CHUNK_ROWS if sparing else _STEP_ROWS
    deadline = time.monotonic() + STEP_SECONDS
    # From here on whoever was importing them cannot go on.
    db.execute("UPDATE removals SET until = NULL WHERE until < ?", (time.time_ns() // 1000,))
    while (found := db.execute("SELECT min(session) FROM removals WHERE until IS NULL").fetchone()[0]) is not None:
        cleared = _clear_chunk(db, found)
        if cleared < _CHUNK_ROWS:
            db.execute("DELETE FROM removals WHERE session = ?", (found,))
        left -= cleared + 1
        if left <= 0 or time.monotonic() >= deadline:
            return db.execute("SELECT 1 FROM removals WHERE until IS NULL LIMIT 1").fetchone() is not None
    return False


def count_condemned(db: sqlite3.Connection) -> int:
    """How many removed sessions have left something that is not cleared away yet."""
    left: int = db.execute("SELECT count(*) FROM removals WHERE until IS NULL").fetchone()[0]
    return left


def any_abandoned(db: sqlite3.Connection) -> bool:
    """Whether imports ended midway, by a kill perhaps, whose time is over by now."""
    return (
        db.execute("SELECT 1 FROM removals WHERE until < ? LIMIT 1", (time.time_ns() // 1000,)).fetchone() is not None
    )


def shrink_some(db: sqlite3.Connection) -> bool:
    """Give some free pages back to the file system, where the file allows it; whether to go on."""
    if db.execute("PRAGMA auto_vacuum").fetchone()[0] != 2:
        return False
    spare = _free_pages(db) - KEPT_FREE_PAGES
    for _ in range(min(spare, _STEP_PAGES)):
        # Python steps through this statement once each time, which frees one page, whatever number it is given.
        db.execute("PRAGMA incremental_vacuum(1)")
    return spare > _STEP_PAGES


def _clear_chunk(db: sqlite3.Connection, session: int) -> int:
    """Remove at most _CHUNK_ROWS rows (and the few writers and other small things) of a session; how many.

    Fewer: nothing is left.
    """
    left = _CHUNK_ROWS
    for table in _LARGE_TABLES:
        left -= _delete_some(db, table, "session", session, "rowid", left)
        if left == 0:
            return _CHUNK_ROWS
    while (series := db.execute("SELECT min(id) FROM series WHERE session = ?", (session,)).fetchone()[0]) is not None:
        for table, key in (("points", "series, time, seq"), ("course_stretches", "series, stretch")):
            left -= _delete_some(db, table, "series", series, key, left)
            if left == 0:
                return _CHUNK_ROWS
        db.execute("DELETE FROM courses WHERE series = ?", (series,))
        # Only now: as long as a point is left, no new series takes the number.
        db.execute("DELETE FROM series WHERE id = ?", (series,))
        left -= 1
        if left == 0:
            return _CHUNK_ROWS
    left -= _delete_some(db, "timeline_buckets", "session", session, "session, bucket", left)
    if left == 0:
        return _CHUNK_ROWS
    db.execute("DELETE FROM timelines WHERE session = ?", (session,))
    left -= clear_terms(db, session, left)
    if left == 0:
        return _CHUNK_ROWS
    db.execute("DELETE FROM session_texts WHERE session = ?", (session,))
    db.execute("DELETE FROM writers WHERE session = ?", (session,))
    return _CHUNK_ROWS - left


def _delete_some(db: sqlite3.Connection, table: str, owner: str, number: int, key: str, most: int) -> int:
    """Delete at most so many of an owner's rows, which the columns of `key` tell apart; how many."""
    some = f"SELECT {key} FROM {table} WHERE {owner} = ? LIMIT ?"
    return db.execute(f"DELETE FROM {table} WHERE ({key}) IN ({some})", (number, most)).rowcount


def _free_pages(db: sqlite3.Connection) -> int:
    pages: int = db.execute("PRAGMA freelist_count").fetchone()[0]
    return pages
