"""What the page of one session reads, paged or folded by the database."""

import sqlite3
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import msgspec
from msgspec import UNSET, Raw

from datacat_server.canonical import Path, write_path
from datacat_server.model import Metric, StateChange
from datacat_server.store.sqlite.folds.courses import read_course
from datacat_server.store.sqlite.folds.states import state_at
from datacat_server.store.sqlite.folds.timeline import CHANGES, EXCEPTIONS
from datacat_server.store.sqlite.reading.counting import borders, count_between
from datacat_server.store.sqlite.reading.session_parts import buckets_of
from datacat_server.store.sqlite.rows.cursor import read_cursor, write_cursor
from datacat_server.store.sqlite.rows.events import COLUMNS, LEVELS, event_of
from datacat_server.store.sqlite.rows.times import to_datetime, to_microseconds
from datacat_server.store.views import (
    MetricFilter,
    ReadingPage,
    Series,
    SeriesPage,
    StateView,
    StoredEvent,
    Timeline,
)

_ALWAYS = 2**62
_SERIES = "id, name, type, unit, tags, vital, points, count, sum, min, max, last, bounds, buckets"

_strings = msgspec.json.Decoder(list[str])
_object = msgspec.json.Decoder(dict[str, Any])


def read_event(db: sqlite3.Connection, session: int, number: int) -> StoredEvent:
    """One event. Raises LookupError where the session has no such event."""
    row = None
    if 0 < number < 2**63:
        row = db.execute(f"SELECT {COLUMNS} FROM events WHERE id = ? AND session = ?", (number, session)).fetchone()
    if row is None:
        raise LookupError(f"the session has no event {number}")
    return StoredEvent(number, event_of(row))


def read_timeline(
    db: sqlite3.Connection,
    session: int,
    start: datetime | None,
    end: datetime | None,
    buckets: int,
    *,
    outside: bool,
) -> Timeline:
    """Events and state changes counted in `buckets` buckets; `outside`: what lies there is in the first or the last."""
    first, last = _range(db, session)
    start = start or (to_datetime(first) if end is None else min(to_datetime(first), end))
    end = end or max(to_datetime(last), start)
    edges = borders(to_microseconds(start), to_microseconds(end), buckets)
    if outside:
        edges[0], edges[-1] = 0, _ALWAYS
    counts = count_between(db, session, edges)
    return Timeline(
        start=start,
        end=end,
        levels={level: counts[number] for number, level in enumerate(LEVELS)},
        exceptions=counts[EXCEPTIONS],
        state_changes=counts[CHANGES],
    )


def _range(db: sqlite3.Connection, session: int) -> tuple[int, int]:
    """When the first record of a session was, in microseconds, and when nothing was any more."""
    created, updated = db.execute("SELECT created, updated FROM sessions WHERE id = ?", (session,)).fetchone()
    firsts = [
        db.execute(f"SELECT min(time) FROM {table} WHERE session = ?", (session,)).fetchone()[0]
        for table in ("events", "state_changes")
    ]
    return min([created, *(first for first in firsts if first is not None)]), updated + 1


def read_states(db: sqlite3.Connection, session: int, at: datetime | None, limit: int) -> list[StateChange]:
    """The last states at an instant, newest first."""
    return [
        StateChange(to_datetime(time), state_at(db, session, seq))
        for seq, time, _ in _last_changes(db, session, at, limit)
    ]


def read_change_after(db: sqlite3.Connection, session: int, at: datetime) -> datetime | None:
    """When the state changed next after an instant."""
    (time,) = db.execute(
        "SELECT min(time) FROM state_changes WHERE session = ? AND time > ?", (session, to_microseconds(at))
    ).fetchone()
    return None if time is None else to_datetime(time)


def read_state(db: sqlite3.Connection, session: int, at: datetime | None) -> StateView:
    """The state at an instant, and the paths of what changed then."""
    for seq, time, patch in _last_changes(db, session, at, 1):
        paths = _paths(_object.decode(patch))
        return StateView(to_datetime(time), state_at(db, session, seq), [write_path(path) for path in paths])
    return StateView(None, {}, [])


def read_series(
    db: sqlite3.Connection,
    session: int,
    points: int,
    limit: int,
    condition: str = "TRUE",
    values: tuple[object, ...] = (),
) -> SeriesPage:
    """Series of a session, vitals last, by name, with their courses thinned out."""
    rows = db.execute(
        f"SELECT {_SERIES} FROM series WHERE session = ? AND {condition} ORDER BY vital, name, tags, id LIMIT ?",
        (session, *values, limit + 1),
    ).fetchall()
    series = []
    for number, name, kind, unit, tags, vital, kept, count, total, low, high, last, bounds, buckets in rows[:limit]:
        course, iterations = read_course(db, number, points) if kept > points else _readings(db, number)
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
    if len(rows) <= limit:
        return SeriesPage(series, None)
    number, name, _, _, tags, vital, *_ = rows[limit - 1]
    return SeriesPage(series, write_cursor("name", vital, name, tags, number))


def read_series_page(
    db: sqlite3.Connection, session: int, wanted: MetricFilter, points: int, limit: int, cursor: str | None
) -> SeriesPage:
    """The series that are meant. Raises ValueError for a cursor that is none."""
    condition, values = series_condition(wanted)
    if cursor is not None:
        condition += " AND (vital, name, tags, id) > (?, ?, ?, ?)"
        values += read_cursor(cursor, "name", int, str, str, int)
    return read_series(db, session, points, limit, condition, tuple(values))


def read_reading_page(
    db: sqlite3.Connection, session: int, wanted: MetricFilter, limit: int, cursor: str | None
) -> ReadingPage:
    """The readings of the series that are meant. Raises ValueError for a cursor that is none."""
    condition, values = series_condition(wanted)
    after: list[int] = [] if cursor is None else read_cursor(cursor, "series", int, int, int)
    if after:
        condition += " AND id >= ?"
        values.append(after[0])
    series = db.execute(
        f"SELECT id, name, type, unit, tags FROM series WHERE session = ? AND {condition} ORDER BY id",
        (session, *values),
    )
    rows: list[tuple[int, int, int, Metric]] = []
    for number, name, kind, unit, tags in series:
        begin = tuple(after[1:]) if after and number == after[0] else (-1, -1)
        for time, seq, reading in readings_after(db, number, begin, limit + 1 - len(rows), name, kind, unit, tags):
            rows.append((number, time, seq, reading))
        if len(rows) > limit:
            break
    more = len(rows) > limit
    rows = rows[:limit]
    return ReadingPage(
        [reading for *_, reading in rows], write_cursor("series", *rows[-1][:3]) if more and rows else None
    )


def readings_after(
    db: sqlite3.Connection,
    series: int,
    after: tuple[int, ...],
    most: int,
    name: str,
    kind: str,
    unit: str | None,
    tags: str,
) -> Iterator[tuple[int, int, Metric]]:
    """At most `most` readings of a series, by time, behind a place (time, seq); each with its own."""
    decoded = _strings.decode(tags)
    for time, seq, value, count, metadata in db.execute(
        "SELECT time, seq, value, count, metadata FROM points WHERE series = ? AND (time, seq) > (?, ?)"
        " ORDER BY time, seq LIMIT ?",
        (series, *after, most),
    ):
        yield (
            time,
            seq,
            Metric(
                timestamp=to_datetime(time),
                name=name,
                type=kind,
                value=value,
                unit=unit,
                tags=decoded,
                count=UNSET if count is None else count,
                metadata=Raw(metadata.encode()) if metadata else UNSET,
            ),
        )


def series_condition(wanted: MetricFilter) -> tuple[str, list[Any]]:
    """The condition on the table `series` that holds of the series meant, and its values."""
    conditions = ["series.vital = ?"]
    values: list[Any] = [wanted.vital]
    for column, value in (("name", wanted.name), ("type", wanted.type)):
        if value is not None:
            conditions.append(f"series.{column} = ?")
            values.append(value)
    for tag in wanted.tags:
        conditions.append("? IN (SELECT value FROM json_each(series.tags))")
        values.append(tag)
    return " AND ".join(conditions), values


def _last_changes(db: sqlite3.Connection, session: int, at: datetime | None, limit: int) -> list[tuple[int, int, str]]:
    """The last changes at an instant as (seq, time, patch), newest first."""
    # In order of arrival, as the patches were applied: two writers' clocks may differ.
    upto = "" if at is None else " AND time <= ?"
    values = (session,) if at is None else (session, to_microseconds(at))
    return db.execute(
        f"SELECT seq, time, patch FROM state_changes WHERE session = ?{upto} ORDER BY seq DESC LIMIT ?",
        (*values, limit),
    ).fetchall()


def _paths(patch: dict[str, Any], above: Path = ()) -> Iterator[Path]:
    """Where a patch sets or deletes something."""
    for key, value in patch.items():
        if isinstance(value, dict) and value:
            yield from _paths(value, (*above, key))
        else:
            yield (*above, key)


def _readings(db: sqlite3.Connection, series: int) -> tuple[list[tuple[int, float]], int]:
    """Every reading of a series as (microseconds, value), and the iterations that they were."""
    rows = db.execute(
        "SELECT time, value, coalesce(count, 1) FROM points WHERE series = ? ORDER BY time, seq", (series,)
    ).fetchall()
    return [(time, value) for time, value, _ in rows], sum(iterations for _, _, iterations in rows)
