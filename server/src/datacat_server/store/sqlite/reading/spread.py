"""How a metric spreads over the sessions of a filter: values and versions as arrays, so that 100,000 are quick."""

import sqlite3
from collections.abc import Mapping, Sequence
from heapq import nlargest, nsmallest
from math import ceil, floor, fsum
from typing import NamedTuple

import msgspec

from datacat_server.filters import EVERY, Filter, checked
from datacat_server.store.binning import bins, is_log_better
from datacat_server.store.metrics import Aggregate
from datacat_server.store.spread import Box, EdgeSession, Range, Scale, Spread, VersionSpread
from datacat_server.store.sqlite.reading.listing import read_summary
from datacat_server.store.sqlite.reading.sampling import read_sample
from datacat_server.store.sqlite.reading.selection import FEW, selection_of_numbers
from datacat_server.store.sqlite.reading.views import series_condition
from datacat_server.store.views import MetricFilter

_OF_ONE_SERIES = {
    Aggregate.PEAK: "max",
    Aggregate.AVERAGE: "sum / count",
    Aggregate.MINIMUM: "min",
}

_numbers = msgspec.json.Decoder(list[int])
_values = msgspec.json.Decoder(list[float])


class _Release(NamedTuple):
    """A version, and the numbers of its sessions."""

    product: str
    version: str
    sessions: Sequence[int]


class _Held(NamedTuple):
    """What sessions have within a range: the values of each version, and of each session the least and greatest."""

    of_versions: list[tuple[_Release, list[float]]]
    least: Mapping[int, float]
    greatest: Mapping[int, float]


def read_spread(
    db: sqlite3.Connection,
    metric: MetricFilter,
    aggregate: Aggregate,
    sessions: Filter,
    within: Range,
    scale: Scale,
    edges: int,
    versions: int,
) -> Spread:
    """The values within a range of the sessions that have the metric. Raises ValueError for a filter that is none."""
    if sessions == EVERY:
        chosen, values = "series.session NOT IN (SELECT session FROM removals)", list[object]()
    else:
        chosen, values = selection_of_numbers(checked(sessions), "series.session")
    of_series, series_values = series_condition(metric)
    # A series whose first reading was refused has none.
    condition, values = f"series.count > 0 AND {of_series} AND {chosen}", [*series_values, *values]
    if aggregate is Aggregate.ALL:
        sample = read_sample(db, condition, values)
        having, readings = len(sample.greatest), sample.readings
        sampled = sum(map(len, sample.values.values()))
        held = _held_of_readings(db, sample.values, within)
        if within == Range():
            held = held._replace(least=sample.least, greatest=sample.greatest)
    else:
        of_each = _of_sessions(db, aggregate, condition, values)
        having, readings, sampled = len(of_each), None, None
        held = _held(db, of_each, within)
    ordered = sorted(value for _, some in held.of_versions for value in some)
    log = scale is Scale.LOG or (scale is Scale.AUTO and bool(ordered) and is_log_better(ordered))
    log = log and bool(ordered) and ordered[0] > 0
    busiest = sorted(held.of_versions, key=lambda item: (-len(item[1]), item[0].product, item[0].version))
    highest = _first(held.greatest, edges, highest=True)
    lowest = _first(held.least, edges, highest=False)
    return Spread(
        name=metric.name or "",
        vital=metric.vital,
        aggregate=aggregate,
        units=_units(db, metric, [number for number, _ in highest + lowest]),
        sessions=having,
        readings=readings,
        sampled=sampled,
        box=box_of(ordered) if ordered else None,
        is_log=log,
        bins=bins(ordered, log=log),
        versions=[
            VersionSpread(release.product, release.version, box_of(sorted(some)))
            for release, some in busiest[:versions]
        ],
        other_versions=max(0, len(busiest) - versions),
        highest=[EdgeSession(read_summary(db, number), value) for number, value in highest],
        lowest=[EdgeSession(read_summary(db, number), value) for number, value in lowest],
    )


def box_of(ordered: Sequence[float]) -> Box:
    """What numbers in rising order come to."""
    return Box(
        count=len(ordered),
        minimum=ordered[0],
        p25=_quantile(ordered, 0.25),
        median=_quantile(ordered, 0.5),
        p75=_quantile(ordered, 0.75),
        p95=_quantile(ordered, 0.95),
        maximum=ordered[-1],
        mean=_mean(ordered),
    )


def _mean(values: Sequence[float]) -> float:
    try:
        return fsum(values) / len(values)
    except OverflowError:
        return fsum(value / len(values) for value in values)


def _quantile(ordered: Sequence[float], share: float) -> float:
    place = (len(ordered) - 1) * share
    below, above, part = ordered[floor(place)], ordered[ceil(place)], place - floor(place)
    return below * (1 - part) + above * part if below != above else below


def _first(of_each: Mapping[int, float], count: int, *, highest: bool) -> list[tuple[int, float]]:
    """The sessions at an edge; of equal ones the newest."""
    # Only what is beyond the last of them is put in order by more than its value.
    edge = (nlargest if highest else nsmallest)(count, of_each.values())[-1:]
    if highest:
        found = [(number, value) for number, value in of_each.items() if value >= edge[0]]
        return sorted(found, key=lambda item: (-item[1], -item[0]))[:count]
    found = [(number, value) for number, value in of_each.items() if value <= edge[0]]
    return sorted(found, key=lambda item: (item[1], -item[0]))[:count]


def _of_sessions(
    db: sqlite3.Connection, aggregate: Aggregate, condition: str, values: Sequence[object]
) -> dict[int, float]:
    """The value of each session. As arrays: sqlite3 makes an object of each cell, which takes longer.

    What is seldom, several series of one session, is put together here: GROUP BY takes two thirds of all the rest.
    """
    *columns, found = db.execute(
        "SELECT json_group_array(session), json_group_array(count), json_group_array(value) FROM"
        f" (SELECT session, count, {_OF_ONE_SERIES[aggregate]} AS value FROM series INDEXED BY series_by_session"
        f" WHERE {condition})",
        values,
    ).fetchone()
    (numbers, counts), of_series = map(_numbers.decode, columns), _values.decode(found)
    of_each = dict(zip(numbers, of_series, strict=True))
    if len(of_each) == len(numbers):
        return of_each
    together: dict[int, list[tuple[float, int]]] = {}
    for number, value, count in zip(numbers, of_series, counts, strict=True):
        together.setdefault(number, []).append((value, count))
    match aggregate:
        case Aggregate.PEAK:
            return {number: max(some)[0] for number, some in together.items()}
        case Aggregate.MINIMUM:
            return {number: min(some)[0] for number, some in together.items()}
        case _:
            return {number: _average(some) for number, some in together.items()}


def _average(some: Sequence[tuple[float, int]]) -> float:
    """Of averages, each of so many."""
    whole = sum(count for _, count in some)
    return fsum(value * (count / whole) for value, count in some)


def _held(db: sqlite3.Connection, of_each: dict[int, float], within: Range) -> _Held:
    if within != Range():
        of_each = {number: value for number, value in of_each.items() if within.holds(value)}
    groups = []
    there: dict[int, float] = {}
    for release in _releases(db, of_each):
        if some := {number: of_each[number] for number in release.sessions if number in of_each}:
            groups.append((release, list(some.values())))
            there |= some
    return _Held(groups, there, there)


def _held_of_readings(db: sqlite3.Connection, of_each: dict[int, list[float]], within: Range) -> _Held:
    if within != Range():
        of_each = {
            number: some for number, every in of_each.items() if (some := [one for one in every if within.holds(one)])
        }
    groups = []
    for release in _releases(db, of_each):
        if some := [value for number in release.sessions for value in of_each.get(number, ())]:
            groups.append((release, some))
    least = {number: min(some) for number, some in of_each.items()}
    return _Held(groups, least, {number: max(some) for number, some in of_each.items()})


def _releases(db: sqlite3.Connection, numbers: Mapping[int, object]) -> list[_Release]:
    """The versions of sessions; of many, with the numbers of all sessions that there are."""
    if len(numbers) <= FEW:
        rows = db.execute(
            "SELECT product, version, json_group_array(id) FROM sessions WHERE id IN (SELECT value FROM json_each(?))"
            " GROUP BY product, version",
            (msgspec.json.encode(list(numbers)).decode(),),
        )
    else:
        rows = db.execute(
            "SELECT product, version, json_group_array(id) FROM sessions INDEXED BY sessions_by_release"
            " GROUP BY product, version"
        )
    return [_Release(product, version, _numbers.decode(ids)) for product, version, ids in rows]


def _units(db: sqlite3.Connection, metric: MetricFilter, numbers: Sequence[int]) -> list[str]:
    """The units that some sessions gave the metric."""
    rows = db.execute(
        "SELECT DISTINCT unit FROM series WHERE session IN (SELECT value FROM json_each(?)) AND vital = ? AND name = ?"
        " AND unit IS NOT NULL",
        (msgspec.json.encode(list(dict.fromkeys(numbers))).decode(), metric.vital, metric.name),
    )
    return sorted(unit for (unit,) in rows)
