"""The list of sessions: pages of summaries, filtered and sorted."""

import sqlite3
from collections.abc import Sequence
from typing import Any

from datacat_server.filters import EVERY, Filter, checked
from datacat_server.model import SessionPage, SessionSummary, Status
from datacat_server.store.protocol import MOST_COUNTED, SORTS
from datacat_server.store.sqlite.reading.selection import Selection
from datacat_server.store.sqlite.rows.cursor import read_cursor, write_cursor
from datacat_server.store.sqlite.rows.times import to_datetime, to_optional_datetime

SUMMARY = (
    "session_id, created, updated, ended, last_heartbeat, status, suspended, crashed, hung, ever_hung, product,"
    " version, machine_id, hostname, pid, reason, event_count, metric_count, exception_count, refused_count,"
    " dropped_count, lost_count"
)

WALK = 2_500
"""So many sessions in the order of the sort are looked at before those meant are sorted by themselves."""

_WALKED = {
    "updated": "sessions_by_update",
    "event_count": "sessions_by_events",
    "exception_count": "sessions_by_exceptions",
}

_DURATION = "max(coalesce(ended, updated) - created, 0)"


def read_page(db: sqlite3.Connection, wanted: Filter, sort: str, limit: int, cursor: str | None) -> SessionPage:
    """A page of summaries. Raises ValueError for a filter, sort or cursor that is none."""
    name, descending = sort.removeprefix("-"), sort.startswith("-")
    if name not in SORTS:
        raise ValueError(f"sort: expected one of {', '.join(SORTS)}, with a - in front for the largest first")
    selection = Selection(db, checked(wanted))
    condition, values = selection.condition
    key = key_of(name)
    total, capped = _total(db, wanted, selection)
    beyond, order = ("<", "DESC") if descending else (">", "ASC")
    bounds, begin = "", list[Any]()
    if cursor is not None:
        bounds, begin = f" AND ({key}, id) {beyond} (?, ?)", read_cursor(cursor, sort, int, int)
    ordered = f"ORDER BY {key} {order}, id {order} LIMIT ?"
    columns = f"SELECT id, {key}, {SUMMARY} FROM sessions"
    rows = []
    if index := _worth_walking(db, name, total, limit):
        walked = f"SELECT {key}, id FROM sessions INDEXED BY {index} WHERE TRUE{bounds} {ordered} OFFSET {WALK}"
        if (end := db.execute(walked, (*begin, 1)).fetchone()) is not None:
            until = f"{bounds} AND NOT ({key}, id) {beyond} (?, ?)"
            walk = f"{columns} INDEXED BY {index} WHERE {condition}{until} {ordered}"
            rows = db.execute(walk, (*values, *begin, *end, limit + 1)).fetchall()
    if len(rows) <= limit:
        # Sorted by their keys alone: a whole row is read of those on the page only.
        page = f"SELECT id FROM sessions WHERE {condition}{bounds} {ordered}"
        whole = f"{columns} WHERE id IN ({page}) ORDER BY {key} {order}, id {order}"
        rows = db.execute(whole, (*values, *begin, limit + 1)).fetchall()
    more = len(rows) > limit
    rows = rows[:limit]
    return SessionPage(
        sessions=[SessionSummary(**summary_fields(row[2:])) for row in rows],
        cursor=write_cursor(sort, rows[-1][1], rows[-1][0]) if more and rows else None,
        total=total,
        total_is_capped=capped,
    )


def _worth_walking(db: sqlite3.Connection, sort: str, total: int, limit: int) -> str | None:
    """The index of the sort, where a few steps along it are likely to meet a page of those meant.

    That costs less than to sort all of them. Those of one product, status or machine stand in order of creation as
    it is.
    """
    sessions = db.execute("SELECT coalesce(max(id), 0) FROM sessions").fetchone()[0]
    return _WALKED.get(sort) if total * WALK > 2 * limit * sessions else None


def key_of(sort: str) -> str:
    """What rows are sorted by, as SQL; there is an index of each."""
    return _DURATION if sort == "duration" else sort


def _total(db: sqlite3.Connection, wanted: Filter, selection: Selection) -> tuple[int, bool]:
    """How many there are, and whether there are more than were counted."""
    if wanted == EVERY:
        return db.execute("SELECT coalesce(sum(sessions), 0) FROM releases").fetchone()[0], False
    total = selection.count(MOST_COUNTED + 1)
    return min(total, MOST_COUNTED), total > MOST_COUNTED


def read_summary(db: sqlite3.Connection, session: int) -> SessionSummary:
    """The summary of one session, by the number of its row."""
    row = db.execute(f"SELECT {SUMMARY} FROM sessions WHERE id = ?", (session,)).fetchone()
    return SessionSummary(**summary_fields(row))


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
