"""Events in the order in which they came in, which is that of their numbers."""

import sqlite3
from typing import Any

from datacat_server.store.arrivals import Arrival, Arrivals
from datacat_server.store.sqlite.reading.event_query import MOST_READ, condition_of
from datacat_server.store.sqlite.rows.events import COLUMNS, event_of
from datacat_server.store.sqlite.rows.times import to_microseconds
from datacat_server.store.views import EventQuery, StoredEvent


def read_arrivals(
    db: sqlite3.Connection,
    wanted: EventQuery,
    after: int | None,
    limit: int,
    product: str | None,
    session_id: str | None,
) -> Arrivals:
    """Those after a number, or the newest. A number that is greater than all, of what was removed, is as the last."""
    (newest,) = db.execute("SELECT coalesce(max(id), 0) FROM events").fetchone()
    if after is None:
        begin, end, order = newest - MOST_READ, newest, "DESC"
    else:
        begin, order = min(after, newest), "ASC"
        end = min(newest, begin + MOST_READ)
    condition, values = _condition(db, wanted, product, session_id)
    # By their numbers alone: an index of levels or sessions would lead through all that a session ever had.
    rows = db.execute(
        f"SELECT e.id, session_id, product, version, {_COLUMNS} FROM events e NOT INDEXED"
        f" CROSS JOIN sessions s ON s.id = e.session WHERE e.id > ? AND e.id <= ?{condition}"
        f" ORDER BY e.id {order} LIMIT ?",
        (begin, end, *values, limit),
    ).fetchall()
    if after is None:
        rows.reverse()
    elif len(rows) == limit:
        end = rows[-1][0]
    return Arrivals([_arrival(row) for row in rows], end, end < newest)


_COLUMNS = ", ".join(f"e.{name}" for name in COLUMNS.split(", "))


def _condition(
    db: sqlite3.Connection, wanted: EventQuery, product: str | None, session_id: str | None
) -> tuple[str, list[Any]]:
    condition, values = condition_of(db, wanted)
    for text, value in (
        ("e.time >= ?", wanted.start and to_microseconds(wanted.start)),
        ("e.time < ?", wanted.end and to_microseconds(wanted.end)),
        ("is_exception = ?", wanted.exceptions or None),
        ("s.product = ?", product),
        ("s.session_id = ?", session_id),
    ):
        if value is not None:
            condition += f" AND {text}"
            values.append(value)
    return condition, values


def _arrival(row: tuple[Any, ...]) -> Arrival:
    number, session_id, product, version, *event = row
    return Arrival(session_id, product, version, StoredEvent(number, event_of(event)))
