"""Release health out of the tables."""

import sqlite3
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from datacat_server.problems.versions import in_order
from datacat_server.store.releases import (
    SORTS,
    Release,
    ReleaseCourse,
    ReleaseDay,
    ReleasePage,
    UnknownRelease,
    VersionBefore,
)
from datacat_server.store.sqlite.folds.releases import first_seen
from datacat_server.store.sqlite.rows.cursor import read_cursor, write_cursor
from datacat_server.store.sqlite.rows.times import to_datetime

_COLUMNS = (
    "product, version, first, last, sessions, crashed, hung, ended, (SELECT count(*) FROM problems"
    " WHERE problems.product = releases.product AND problems.new_in = releases.version)"
)
EPOCH = date(1970, 1, 1)
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
    ordered = {name: in_order(first_seen(db, name)) for name in {row[0] for row in rows}}
    return ReleasePage(
        releases=[Release(**_fields(db, row[:-1], ordered[row[0]])) for row in rows],
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
        **_fields(db, row, in_order(first_seen(db, product))),
        days=[ReleaseDay(day=EPOCH + timedelta(days=day), **health(counts)) for day, *counts in reversed(rows)],
    )


def _fields(db: sqlite3.Connection, row: Sequence[Any], ordered: Sequence[str]) -> dict[str, Any]:
    """The fields of a release from a row of `_COLUMNS`; `ordered`: the product's versions, oldest first."""
    product, version, first, last, *counts, new_problems = row
    place = ordered.index(version)
    return {
        "product": product,
        "version": version,
        "first_seen": to_datetime(first),
        "last_seen": to_datetime(last),
        "new_problems": new_problems,
        "is_newest": place == len(ordered) - 1,
        "before": _before(db, product, ordered[place - 1]) if place else None,
        **health(counts),
    }


def _before(db: sqlite3.Connection, product: str, version: str) -> VersionBefore:
    counts = db.execute(
        "SELECT sessions, crashed, hung, ended FROM releases WHERE product = ? AND version = ?", (product, version)
    ).fetchone()
    return VersionBefore(version=version, **health(counts))


def health(counts: Sequence[int]) -> dict[str, Any]:
    """The fields of `Health`, by how many sessions there are and how many of them crashed, hung and ended."""
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
