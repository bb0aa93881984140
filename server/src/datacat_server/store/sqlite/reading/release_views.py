"""Release health out of the tables."""

import sqlite3
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Any

import msgspec

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
from datacat_server.store.sqlite.folds.releases import DAY, first_seen
from datacat_server.store.sqlite.rows.cursor import read_cursor, write_cursor
from datacat_server.store.sqlite.rows.times import to_datetime

_OF_RELEASE = "s.status = 'active' AND s.product = {0}.product AND s.version = {0}.version"
ACTIVE = f"(SELECT count(*) FROM sessions AS s INDEXED BY sessions_active WHERE {_OF_RELEASE.format('releases')})"
"""SQL: how many sessions of a row of `releases` are active; and of one of `release_days`."""
ACTIVE_OF_DAY = (
    f"(SELECT count(*) FROM sessions AS s INDEXED BY sessions_active WHERE {_OF_RELEASE.format('release_days')}"
    f" AND s.created BETWEEN day * {DAY} AND (day + 1) * {DAY} - 1)"
)
_COLUMNS = (
    f"product, version, first, last, sessions, crashed, hung, ended, {ACTIVE}, (SELECT count(*)"
    " FROM problems WHERE problems.product = releases.product AND problems.new_in = releases.version)"
)
_MEANT = "(SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each(?))"
EPOCH = date(1970, 1, 1)
_Name = tuple[str, str]

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
    return ReleasePage(
        releases=[Release(**fields) for fields in _fields(db, [row[:-1] for row in rows])],
        cursor=write_cursor(sort, rows[-1][-1], rows[-1][0], rows[-1][1]) if more and rows else None,
    )


def read_release(db: sqlite3.Connection, product: str, version: str, days: int) -> ReleaseCourse:
    """One release over time. Raises UnknownRelease."""
    for found in read_courses(db, [(product, version)], days):
        return found
    raise UnknownRelease(product, version)


def read_courses(db: sqlite3.Connection, releases: Sequence[_Name], days: int) -> list[ReleaseCourse]:
    """Releases over time, those that there are, in the order in which they are named."""
    meant = (_json(releases),)
    rows = db.execute(f"SELECT {_COLUMNS} FROM releases WHERE (product, version) IN {_MEANT}", meant).fetchall()
    courses: dict[_Name, list[ReleaseDay]] = {}
    for product, version, day, *counts in db.execute(
        f"SELECT product, version, day, sessions, crashed, hung, ended, {ACTIVE_OF_DAY} FROM release_days"
        " WHERE (product, version, day) IN (SELECT product, version, day FROM (SELECT product, version, day,"
        " row_number() OVER (PARTITION BY product, version ORDER BY day DESC) AS place FROM release_days"
        f" WHERE (product, version) IN {_MEANT}) WHERE place <= ?) ORDER BY day",
        (*meant, days),
    ):
        course = courses.setdefault((product, version), [])
        course.append(ReleaseDay(day=EPOCH + timedelta(days=day), **health(counts)))
    found = {
        name: ReleaseCourse(**fields, days=courses[name])
        for fields in _fields(db, rows)
        if (name := (fields["product"], fields["version"])) in courses
    }
    return [found[name] for name in releases if name in found]


def _fields(db: sqlite3.Connection, rows: Sequence[Sequence[Any]]) -> Iterator[dict[str, Any]]:
    """The fields of a release from each row of `_COLUMNS`."""
    ordered = {product: in_order(first_seen(db, product)) for product in {row[0] for row in rows}}
    before = {
        (product, version): (product, known[place - 1])
        for product, version, *_ in rows
        if (place := (known := ordered[product]).index(version))
    }
    compared = {
        (product, version): VersionBefore(version=version, **health(counts))
        for product, version, *counts in db.execute(
            f"SELECT product, version, sessions, crashed, hung, ended, {ACTIVE} FROM releases"
            f" WHERE (product, version) IN {_MEANT}",
            (_json(list(before.values())),),
        )
    }
    for product, version, first, last, *counts, new_problems in rows:
        yield {
            "product": product,
            "version": version,
            "first_seen": to_datetime(first),
            "last_seen": to_datetime(last),
            "new_problems": new_problems,
            "is_newest": version == ordered[product][-1],
            "before": compared.get(before.get((product, version), ("", ""))),
            **health(counts),
        }


def _json(releases: Sequence[_Name]) -> str:
    return msgspec.json.encode(releases).decode()


def health(counts: Sequence[int]) -> dict[str, Any]:
    """The fields of `Health`, by how many sessions there are, and how many crashed, hung, ended and are active."""
    sessions, crashed, hung, ended, running = counts
    return {
        "sessions": sessions,
        "crashed": crashed,
        "hung": hung,
        "ended": ended,
        "running": running,
        "crash_free": 100 * (sessions - crashed) / sessions,
        "hang_free": 100 * (sessions - hung) / sessions,
    }
