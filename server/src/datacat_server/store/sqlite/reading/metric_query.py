"""One metric of many sessions, from what is folded for each series."""

import math
import sqlite3
from bisect import bisect_left, bisect_right
from itertools import islice
from statistics import median
from typing import Any

import msgspec

from datacat_server.filters import Filter, checked
from datacat_server.model import Metric
from datacat_server.store.metrics import Aggregate, MetricName, MetricNames, MetricPage, SessionValue, Summary
from datacat_server.store.sqlite.reading.selection import selection_of_numbers, selections
from datacat_server.store.sqlite.reading.views import readings_after, series_condition
from datacat_server.store.sqlite.rows.cursor import read_cursor, write_cursor
from datacat_server.store.sqlite.rows.times import to_datetime
from datacat_server.store.views import MetricFilter

_VALUE = {
    Aggregate.PEAK: "max(series.max)",
    Aggregate.AVERAGE: "total(series.sum) / sum(series.count)",
    Aggregate.MINIMUM: "min(series.min)",
}
NAMES_OF = 1_000
"""So many sessions, the newest, are asked for the names of their metrics."""
_SERIES_LOOKED_AT = 50_000

_strings = msgspec.json.Decoder(list[str])


def read_metric_page(
    db: sqlite3.Connection, metric: MetricFilter, aggregate: Aggregate, sessions: Filter, limit: int, cursor: str | None
) -> MetricPage:
    """The values of the sessions that have the metric. Raises ValueError for a filter or cursor that is none."""
    if aggregate is Aggregate.ALL:
        return _readings(db, metric, sessions, limit, cursor)
    before = 2**63 if cursor is None else read_cursor(cursor, "-session", int)[0]
    condition, values = _condition(metric, sessions)
    rows = db.execute(
        f"SELECT series.session, {_VALUE[aggregate]} FROM series WHERE {condition}"
        " GROUP BY series.session ORDER BY series.session DESC",
        values,
    ).fetchall()
    begin = bisect_right(rows, -before, key=lambda row: -row[0])
    page = rows[begin : begin + limit]
    about = _sessions(db, [number for number, _ in page])
    return MetricPage(
        name=metric.name or "",
        aggregate=aggregate,
        summary=summary_of([value for _, value in rows]),
        values=[SessionValue(**about[number], value=value) for number, value in page],
        cursor=write_cursor("-session", page[-1][0]) if len(rows) > begin + limit else None,
    )


def read_metric_names(db: sqlite3.Connection, sessions: Filter) -> MetricNames:
    """The metrics of the newest sessions that are picked. Raises ValueError for a filter that is none."""
    (condition, values), _ = selections(db, checked(sessions))
    numbers = db.execute(
        f"SELECT id FROM sessions WHERE {condition} ORDER BY id DESC LIMIT {NAMES_OF}", values
    ).fetchall()
    rows = db.execute(
        "SELECT name, vital, json_group_array(DISTINCT type), json_group_array(DISTINCT unit), count(DISTINCT session)"
        " FROM (SELECT name, vital, type, unit, session FROM series"
        f" WHERE session IN (SELECT value FROM json_each(?)) LIMIT {_SERIES_LOOKED_AT})"
        " GROUP BY vital, name ORDER BY vital, name",
        (msgspec.json.encode([number for (number,) in numbers]).decode(),),
    )
    return MetricNames(
        sessions=len(numbers),
        metrics=[
            MetricName(
                name=name,
                vital=bool(vital),
                types=sorted(_strings.decode(types)),
                units=sorted(unit for unit in msgspec.json.decode(units) if unit is not None),
                sessions=count,
            )
            for name, vital, types, units, count in rows
        ],
    )


def summary_of(values: list[float]) -> Summary:
    """What numbers come to; `p95` is interpolated between the two that are next to it."""
    if not values:
        return Summary(count=0, minimum=None, maximum=None, mean=None)
    ordered = sorted(values)
    place = (len(ordered) - 1) * 0.95
    below, above = ordered[math.floor(place)], ordered[math.ceil(place)]
    return Summary(
        count=len(ordered),
        minimum=ordered[0],
        maximum=ordered[-1],
        mean=sum(ordered) / len(ordered),
        median=median(ordered),
        p95=below + (above - below) * (place - math.floor(place)),
    )


def _readings(
    db: sqlite3.Connection, metric: MetricFilter, sessions: Filter, limit: int, cursor: str | None
) -> MetricPage:
    """Every reading, session after session, series after series, by time."""
    after = None if cursor is None else read_cursor(cursor, "-readings", int, int, int, int)
    condition, values = _condition(metric, sessions)
    rows = db.execute(
        "SELECT series.session, series.id, series.count, series.min, series.max, series.sum FROM series"
        f" WHERE {condition}",
        values,
    ).fetchall()
    rows.sort(key=_place)
    begin = 0 if after is None else bisect_left(rows, (-after[0], after[1]), key=_place)
    found: list[tuple[tuple[int, ...], Metric]] = []
    for session, series, *_ in islice(rows, begin, None):
        behind = after[2:] if after and [session, series] == after[:2] else (-1, -1)
        what = db.execute("SELECT name, type, unit, tags FROM series WHERE id = ?", (series,)).fetchone()
        for time, seq, reading in readings_after(db, series, tuple(behind), limit + 1 - len(found), *what):
            found.append(((session, series, time, seq), reading))
        if len(found) > limit:
            break
    page = found[:limit]
    about = _sessions(db, list({place[0] for place, _ in page}))
    return MetricPage(
        name=metric.name or "",
        aggregate=Aggregate.ALL,
        summary=_summary_of_series(rows),
        values=[_value(about[place[0]], reading) for place, reading in page],
        cursor=write_cursor("-readings", *page[-1][0]) if len(found) > limit else None,
    )


def _place(row: tuple[Any, ...]) -> tuple[int, int]:
    """Where a row that begins with session and series stands: those of the newest session first."""
    return -row[0], row[1]


def _summary_of_series(rows: list[tuple[Any, ...]]) -> Summary:
    """What all readings of series come to, from the folds of each."""
    count = sum(row[2] for row in rows)
    return Summary(
        count=count,
        minimum=min((row[3] for row in rows), default=None),
        maximum=max((row[4] for row in rows), default=None),
        mean=sum(row[5] for row in rows) / count if count else None,
    )


def _value(about: dict[str, Any], reading: Metric) -> SessionValue:
    return SessionValue(
        **about,
        value=reading.value,
        timestamp=reading.timestamp,
        type=reading.type,
        unit=reading.unit,
        tags=reading.tags,
        count=reading.count,
    )


def _condition(metric: MetricFilter, sessions: Filter) -> tuple[str, list[Any]]:
    """The condition on `series` that holds of a metric's in the sessions that a filter picks, and its values."""
    condition, values = selection_of_numbers(checked(sessions), "series.session")
    of_series, series_values = series_condition(metric)
    # A series whose first reading was refused has none.
    return f"series.count > 0 AND {of_series} AND {condition}", [*series_values, *values]


def _sessions(db: sqlite3.Connection, numbers: list[int]) -> dict[int, dict[str, Any]]:
    """What is said of sessions beside their value, by their number."""
    rows = db.execute(
        "SELECT id, session_id, product, version, created FROM sessions WHERE id IN (SELECT value FROM json_each(?))",
        (msgspec.json.encode(numbers).decode(),),
    )
    return {
        number: {"session_id": session_id, "product": product, "version": version, "created_at": to_datetime(created)}
        for number, session_id, product, version, created in rows
    }
