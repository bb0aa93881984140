"""What the page of one session reads, paged or folded by the database."""

import sqlite3
from datetime import datetime
from typing import Any

import msgspec

from datacat_server.model import StateChange
from datacat_server.store.sqlite.cursor import read_cursor, write_cursor
from datacat_server.store.sqlite.events import COLUMNS, LEVEL_NUMBERS, LEVELS, event_of
from datacat_server.store.sqlite.folds import Folds
from datacat_server.store.sqlite.read import buckets_of
from datacat_server.store.sqlite.states import state_at
from datacat_server.store.sqlite.times import to_datetime, to_microseconds
from datacat_server.store.views import EventPage, Series, StoredEvent, Timeline

_strings = msgspec.json.Decoder(list[str])


def read_event_page(
    db: sqlite3.Connection, session: int, limit: int, cursor: str | None, level: str | None, exceptions: bool
) -> EventPage:
    """Events, newest first. Raises ValueError for a cursor or level that is none."""
    wanted = ["session = ?"]
    values: list[Any] = [session]
    if level is not None:
        if level not in LEVEL_NUMBERS:
            raise ValueError(f"level: expected one of {', '.join(LEVELS)}")
        wanted.append("level = ?")
        values.append(LEVEL_NUMBERS[level])
    if exceptions:
        wanted.append("is_exception = 1")
    if cursor is not None:
        wanted.append("(time, id) < (?, ?)")
        values.extend(read_cursor(cursor))
    rows = db.execute(
        f"SELECT id, {COLUMNS} FROM events WHERE {' AND '.join(wanted)} ORDER BY time DESC, id DESC LIMIT ?",
        (*values, limit + 1),
    ).fetchall()
    more = len(rows) > limit
    rows = rows[:limit]
    return EventPage(
        events=[StoredEvent(row[0], event_of(row[1:])) for row in rows],
        cursor=write_cursor(rows[-1][1], rows[-1][0]) if more and rows else None,
    )


def read_event(db: sqlite3.Connection, session: int, number: int) -> StoredEvent:
    """One event. Raises LookupError where the session has no such event."""
    row = None
    if 0 < number < 2**63:
        row = db.execute(f"SELECT {COLUMNS} FROM events WHERE id = ? AND session = ?", (number, session)).fetchone()
    if row is None:
        raise LookupError(f"the session has no event {number}")
    return StoredEvent(number, event_of(row))


def read_timeline(
    db: sqlite3.Connection, folds: Folds, session: int, start: datetime, end: datetime, buckets: int
) -> Timeline:
    """Events and state changes counted in `buckets` buckets of equal length."""
    begin = to_microseconds(start)
    width = max(1, -(-(to_microseconds(end) - begin) // buckets))
    counts = folds.counts(db, session, begin, width, buckets)
    levels = {level: [0] * buckets for level in LEVELS}
    exceptions, changes = [0] * buckets, [0] * buckets
    for (at, level, is_exception), count in counts.events.items():
        levels[LEVELS[level]][at] += count
        if is_exception:
            exceptions[at] += count
    for at, count in counts.changes.items():
        changes[at] += count
    return Timeline(start=start, end=end, levels=levels, exceptions=exceptions, state_changes=changes)


def read_states(db: sqlite3.Connection, session: int, at: datetime | None, limit: int) -> list[StateChange]:
    """The last states at an instant, newest first."""
    # In order of arrival, as the patches were applied: two writers' clocks may differ.
    upto = "" if at is None else " AND time <= ?"
    values = (session,) if at is None else (session, to_microseconds(at))
    rows = db.execute(
        f"SELECT seq, time FROM state_changes WHERE session = ?{upto} ORDER BY seq DESC LIMIT ?", (*values, limit)
    ).fetchall()
    return [StateChange(to_datetime(time), state_at(db, session, seq)) for seq, time in rows]


def read_series(db: sqlite3.Connection, folds: Folds, session: int, points: int, limit: int) -> list[Series]:
    """The series of a session by name, vitals last, with their courses thinned out."""
    rows = db.execute(
        "SELECT id, name, type, unit, tags, vital, points, count, sum, min, max, last, bounds, buckets FROM series"
        " WHERE session = ? ORDER BY vital, name, tags, id LIMIT ?",
        (session, limit),
    ).fetchall()
    series = []
    for number, name, kind, unit, tags, vital, kept, count, total, low, high, last, bounds, buckets in rows:
        if kept > points:
            course, iterations = folds.course(db, number, kept, points)
        else:
            course, iterations = _readings(db, number)
        series.append(
            Series(
                name=name,
                type=kind,
                unit=unit,
                tags=_strings.decode(tags),
                vital=bool(vital),
                count=count,
                iterations=iterations if kind == "timer" else count,
                total=total,
                minimum=low,
                maximum=high,
                last=last,
                times=[time / 1_000_000 for time, _ in course],
                values=[value for _, value in course],
                buckets=buckets_of(bounds, buckets),
            )
        )
    return series


def _readings(db: sqlite3.Connection, series: int) -> tuple[list[tuple[int, float]], int]:
    """Every reading of a series as (microseconds, value), and the iterations that they were."""
    rows = db.execute(
        "SELECT time, value, coalesce(count, 1) FROM points WHERE series = ? ORDER BY time, seq", (series,)
    ).fetchall()
    return [(time, value) for time, value, _ in rows], sum(iterations for _, _, iterations in rows)
