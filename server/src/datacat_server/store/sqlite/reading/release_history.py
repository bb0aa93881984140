"""How a product's versions fared day by day, out of the counts by day."""

import sqlite3
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from datacat_server.problems.versions import in_order
from datacat_server.store.releases import ReleaseDay, ReleaseHistory, VersionCourse
from datacat_server.store.sqlite.folds.releases import first_seen
from datacat_server.store.sqlite.reading.release_views import ACTIVE_OF_DAY, EPOCH, health

_COUNTS = f"sessions, crashed, hung, ended, {ACTIVE_OF_DAY}"
_SUMS = f"sum(sessions), sum(crashed), sum(hung), sum(ended), sum({ACTIVE_OF_DAY})"


def read_history(db: sqlite3.Connection, product: str, last: date, days: int | None, versions: int) -> ReleaseHistory:
    """`days`: so many up to `last`; None: all."""
    end = (last - EPOCH).days
    begin = end - days + 1 if days is not None else _first_day(db, product, end)
    within = "FROM release_days WHERE product = ? AND day BETWEEN ? AND ?"
    span = (product, begin, end)
    sums = {
        version: counts for version, *counts in db.execute(f"SELECT version, {_SUMS} {within} GROUP BY version", span)
    }
    ordered = [version for version in in_order(first_seen(db, product)) if version in sums]
    most = sorted(sums, key=lambda version: (-sums[version][0], version))[:versions]
    shown = [version for version in reversed(ordered) if version in most or version == ordered[-1]]
    return ReleaseHistory(
        product=product,
        first=EPOCH + timedelta(days=begin),
        last=last,
        days=_days(db.execute(f"SELECT day, {_SUMS} {within} GROUP BY day ORDER BY day", span).fetchall()),
        courses=[
            VersionCourse(
                version=version,
                days=_days(
                    db.execute(
                        f"SELECT day, {_COUNTS} {within} AND version = ? ORDER BY day",
                        (*span, version),
                    ).fetchall()
                ),
                **health(sums[version]),
            )
            for version in shown
        ],
        versions=len(sums),
    )


def _first_day(db: sqlite3.Connection, product: str, end: int) -> int:
    (first,) = db.execute("SELECT min(day) FROM release_days WHERE product = ?", (product,)).fetchone()
    return end if first is None else min(first, end)


def _days(rows: Sequence[Sequence[Any]]) -> list[ReleaseDay]:
    return [ReleaseDay(day=EPOCH + timedelta(days=day), **health(counts)) for day, *counts in rows]
