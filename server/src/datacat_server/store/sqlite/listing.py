"""The list of sessions: pages of summaries, filtered and sorted."""

import sqlite3
from collections.abc import Sequence
from typing import Any

from datacat_server.filters import EVERY, Filter, checked
from datacat_server.model import SessionPage, SessionSummary, Status
from datacat_server.store.protocol import MOST_COUNTED, SORTS
from datacat_server.store.sqlite.cursor import read_cursor, write_cursor
from datacat_server.store.sqlite.selection import selections
from datacat_server.store.sqlite.times import to_datetime, to_optional_datetime

SUMMARY = (
    "session_id, created, updated, ended, last_heartbeat, status, suspended, crashed, hung, ever_hung, product,"
    " version, machine_id, hostname, pid, reason, event_count, metric_count, exception_count, refused_count,"
    " dropped_count, lost_count"
)

_DURATION = "max(coalesce(ended, updated) - created, 0)"


def read_page(db: sqlite3.Connection, wanted: Filter, sort: str, limit: int, cursor: str | None) -> SessionPage:
    """A page of summaries. Raises ValueError for a filter, sort or cursor that is none."""
    name, descending = sort.removeprefix("-"), sort.startswith("-")
    if name not in SORTS:
        raise ValueError(f"sort: expected one of {', '.join(SORTS)}, with a - in front for the largest first")
    (condition, values), counting = selections(db, checked(wanted))
    key = key_of(name)
    total, capped = _total(db, wanted, *counting)
    if cursor is not None:
        condition += f" AND ({key}, id) {'<' if descending else '>'} (?, ?)"
        values = [*values, *read_cursor(cursor)]
    order = "DESC" if descending else "ASC"
    rows = db.execute(
        f"SELECT id, {key}, {SUMMARY} FROM sessions WHERE {condition} ORDER BY {key} {order}, id {order} LIMIT ?",
        (*values, limit + 1),
    ).fetchall()
    more = len(rows) > limit
    rows = rows[:limit]
    return SessionPage(
        sessions=[SessionSummary(**summary_fields(row[2:])) for row in rows],
        cursor=write_cursor(rows[-1][1], rows[-1][0]) if more and rows else None,
        total=total,
        total_is_capped=capped,
    )


def key_of(sort: str) -> str:
    """What rows are sorted by, as SQL; there is an index of each."""
    return _DURATION if sort == "duration" else sort


def _total(db: sqlite3.Connection, wanted: Filter, condition: str, values: Sequence[Any]) -> tuple[int, bool]:
    """How many there are, and whether there are more than were counted."""
    if wanted == EVERY:
        return db.execute("SELECT count(*) FROM sessions").fetchone()[0], False
    counted = f"SELECT count(*) FROM (SELECT 1 FROM sessions WHERE {condition} LIMIT {MOST_COUNTED + 1})"
    total = db.execute(counted, values).fetchone()[0]
    return min(total, MOST_COUNTED), total > MOST_COUNTED


def summary_fields(row: Sequence[Any]) -> dict[str, Any]:
    """The fields of a summary from a row of `SUMMARY`."""
    session_id, created, updated, ended, heartbeat, status, suspended, crashed, hung, ever_hung, *rest = row
    names = ("product", "version", "machine_id", "hostname", "pid", "reason", "event_count", "metric_count")
    counts = ("exception_count", "refused_count", "dropped_count", "lost_count")
    return {
        "id": session_id,
        "created_at": to_datetime(created),
        "updated_at": to_datetime(updated),
        "ended_at": to_optional_datetime(ended),
        "last_heartbeat": to_optional_datetime(heartbeat),
        "status": Status(status),
        "active": ended is None and not suspended,
        "suspended": bool(suspended),
        "crashed": bool(crashed),
        "hung": bool(hung),
        "ever_hung": bool(ever_hung),
        **dict(zip(names + counts, rest, strict=True)),
    }
