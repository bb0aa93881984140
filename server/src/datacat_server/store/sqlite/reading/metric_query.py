"""One metric of many sessions, from what is folded for each series."""

import math
import sqlite3
from collections.abc import Iterator
from itertools import islice
from statistics import median
from typing import Any, NamedTuple

import msgspec

from datacat_server.filters import Filter, checked
from datacat_server.model import Metric
from datacat_server.store.metrics import Aggregate, MetricName, MetricNames, MetricPage, SessionValue, Summary
from datacat_server.store.sqlite.reading.newest import About, Place, newest_first
from datacat_server.store.sqlite.reading.selection import Selection, selection_of_numbers
from datacat_server.store.sqlite.reading.views import readings_after, series_condition
from datacat_server.store.sqlite.rows.cursor import read_cursor, write_cursor
from datacat_server.store.sqlite.rows.times import to_datetime
from datacat_server.store.views import MetricFilter

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
    after = None if cursor is None else Place(*read_cursor(cursor, "-created", int, str))
    condition, values = _condition(metric, sessions)
    of_each = _of_sessions(db, aggregate, condition, values)
    others = (about for about in newest_first(db, of_each.keys(), after) if about.place != after)
    page = list(islice(others, limit + 1))
    more, page = len(page) > limit, page[:limit]
    return MetricPage(
        name=metric.name or "",
        aggregate=aggregate,
        summary=summary_of(list(of_each.values())),
        values=[SessionValue(**_session(about), value=of_each[about.number]) for about in page],
        cursor=write_cursor("-created", *page[-1].place) if more else None,
    )


def _of_sessions(db: sqlite3.Connection, aggregate: Aggregate, condition: str, values: list[Any]) -> dict[int, float]:
    """The value of each session; not by GROUP BY, which takes longer than to put them together here."""
    of_each: dict[int, float] = {}
    if aggregate is Aggregate.AVERAGE:
        counts: dict[int, int] = {}
        query = f"SELECT series.session, series.sum, series.count FROM series WHERE {condition}"
        for session, total, count in db.execute(query, values):
            of_each[session] = of_each.get(session, 0.0) + total
            counts[session] = counts.get(session, 0) + count
        return {session: total / counts[session] for session, total in of_each.items()}
    column, better = ("series.max", max) if aggregate is Aggregate.PEAK else ("series.min", min)
    rows = db.execute(f"SELECT series.session, {column} FROM series WHERE {condition}", values).fetchall()
    of_each = dict(rows)
    if len(of_each) < len(rows):  # some have several series
        for session, value in rows:
            of_each[session] = better(value, of_each[session])
    return of_each


def read_metric_names(db: sqlite3.Connection, sessions: Filter) -> MetricNames:
    """The metrics of the newest sessions that are picked. Raises ValueError for a filter that is none."""
    condition, values = Selection(db, checked(sessions)).condition
    numbers = db.execute(
        f"SELECT id FROM sessions WHERE {condition} ORDER BY created DESC LIMIT {NAMES_OF}", values
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
    begin, after = None, None
    if cursor is not None:
        created, session_id, *after = read_cursor(cursor, "-readings", int, str, int, int, int)
        begin = Place(created, session_id)
    condition, values = _condition(metric, sessions)
    rows = db.execute(
        "SELECT series.session, series.id, series.count, series.min, series.max, series.sum FROM series"
        f" WHERE {condition}",
        values,
    ).fetchall()
    of_each: dict[int, list[int]] = {}
    for session, series, *_ in rows:
        of_each.setdefault(session, []).append(series)
    found: list[_Found] = []
    for about in newest_first(db, of_each.keys(), begin):
        behind = after if about.place == begin else None
        found += _readings_of(db, about, of_each[about.number], behind, limit + 1 - len(found))
        if len(found) > limit:
            break
    page = found[:limit]
    return MetricPage(
        name=metric.name or "",
        aggregate=Aggregate.ALL,
        summary=_summary_of_series(rows),
        values=[_value(one.session, one.reading) for one in page],
        cursor=write_cursor("-readings", *page[-1].session.place, *page[-1].place) if len(found) > limit else None,
    )


class _Found(NamedTuple):
    """A reading, and where it stands in its session: the number of its series, time, and which of that time."""

    session: About
    place: tuple[int, int, int]
    reading: Metric


def _readings_of(
    db: sqlite3.Connection, about: About, numbers: list[int], after: list[int] | None, most: int
) -> Iterator[_Found]:
    """At most `most` readings of series of a session, behind a place in it. The order is one that an import keeps."""
    series = db.execute(
        "SELECT id, name, type, unit, tags FROM series WHERE id IN (SELECT value FROM json_each(?))"
        " ORDER BY vital, name, type, tags, bounds",
        (msgspec.json.encode(numbers).decode(),),
    ).fetchall()
    begin = 0
    if after is not None:
        begin = next((at for at, (number, *_) in enumerate(series) if number == after[0]), len(series))
    for number, *what in series[begin:]:
        behind = tuple(after[1:]) if after is not None and number == after[0] else (-1, -1)
        for time, seq, reading in readings_after(db, number, behind, most, *what):
            yield _Found(about, (number, time, seq), reading)
            most -= 1
        if not most:
            return


def _summary_of_series(rows: list[tuple[Any, ...]]) -> Summary:
    """What all readings of series come to, from the folds of each."""
    count = sum(row[2] for row in rows)
    return Summary(
        count=count,
        minimum=min((row[3] for row in rows), default=None),
        maximum=max((row[4] for row in rows), default=None),
        mean=sum(row[5] for row in rows) / count if count else None,
    )


def _value(session: About, reading: Metric) -> SessionValue:
    return SessionValue(
        **_session(session),
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


def _session(about: About) -> dict[str, Any]:
    """What is said of a session beside its value."""
    return {
        "session_id": about.place.session_id,
        "product": about.product,
        "version": about.version,
        "created_at": to_datetime(about.place.created),
    }
