"""Release health out of the tables."""

import sqlite3
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from datacat_server.problems.versions import newest
from datacat_server.store.releases import SORTS, Release, ReleaseCourse, ReleaseDay, ReleasePage, UnknownRelease
from datacat_server.store.sqlite.folds.releases import first_seen
from datacat_server.store.sqlite.rows.cursor import read_cursor, write_cursor
from datacat_server.store.sqlite.rows.times import to_datetime

_COLUMNS = (
    "product, version, first, last, sessions, crashed, hung, ended, (SELECT count(*) FROM problems"
    " WHERE problems.product = releases.product AND problems.new_in = releases.version)"
)
_EPOCH = date(1970, 1, 1)
# Whole numbers, of which a cursor can tell the place: rates in millionths.
_KEYS = {
    "last_seen": "last",
    "first_seen": "first",
    "sessions": "sessions",
    "crash_free": "((sessions - crashed) * 1000000 / sessions)",
    "hang_free": "((sessions - hung) * 1000000 / sessions)",
}


def read_releases(
    db: sqlite3.Connection, product: str | None, sort: str, limit: int, cursor: str | None
) -> ReleasePage:
    """A page of releases. Raises ValueError for a sort or cursor that is none."""
    name = sort.removeprefix("-")
    if name not in SORTS:
        raise ValueError(f"sort: expected one of {', '.join(SORTS)}, with a - in front for the largest first")
    key = _KEYS[name]
    beyond, order = ("<", "DESC") if sort.startswith("-") else (">", "ASC")
    conditions, values = ["TRUE"], list[Any]()
    if product is not None:
        conditions.append("product = ?")
        values.append(product)
    if cursor is not None:
        conditions.append(f"({key}, product, version) {beyond} (?, ?, ?)")
        values += read_cursor(cursor, sort, int, str, str)
    rows = db.execute(
        f"SELECT {_COLUMNS}, {key} FROM releases WHERE {' AND '.join(conditions)}"
        f" ORDER BY {key} {order}, product {order}, version {order} LIMIT ?",
        (*values, limit + 1),
    ).fetchall()
    more = len(rows) > limit
    rows = rows[:limit]
    newest_of = {name: newest(first_seen(db, name)) for name in {row[0] for row in rows}}
    return ReleasePage(
        releases=[Release(**_fields(row[:-1], newest_of[row[0]])) for row in rows],
        cursor=write_cursor(sort, rows[-1][-1], rows[-1][0], rows[-1][1]) if more and rows else None,
    )


def read_release(db: sqlite3.Connection, product: str, version: str, days: int) -> ReleaseCourse:
    """One release over time. Raises UnknownRelease."""
    release = (product, version)
    row = db.execute(f"SELECT {_COLUMNS} FROM releases WHERE product = ? AND version = ?", release).fetchone()
    if row is None:
        raise UnknownRelease(product, version)
    rows = db.execute(
        "SELECT day, sessions, crashed, hung, ended FROM release_days WHERE product = ? AND version = ?"
        " ORDER BY day DESC LIMIT ?",
        (*release, days),
    ).fetchall()
    return ReleaseCourse(
        **_fields(row, newest(first_seen(db, product))),
        days=[ReleaseDay(day=_EPOCH + timedelta(days=day), **_health(counts)) for day, *counts in reversed(rows)],
    )


def _fields(row: Sequence[Any], newest_version: str | None) -> dict[str, Any]:
    product, version, first, last, *counts, new_problems = row
    return {
        "product": product,
        "version": version,
        "first_seen": to_datetime(first),
        "last_seen": to_datetime(last),
        "new_problems": new_problems,
        "is_newest": version == newest_version,
        **_health(counts),
    }


def _health(counts: Sequence[int]) -> dict[str, Any]:
    sessions, crashed, hung, ended = counts
    return {
        "sessions": sessions,
        "crashed": crashed,
        "hung": hung,
        "ended": ended,
        "running": sessions - crashed - ended,
        "crash_free": 100 * (sessions - crashed) / sessions,
        "hang_free": 100 * (sessions - hung) / sessions,
    }
