"""Chosen metrics of all sessions, one over the other, on the axis that begins with the start of each."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from datacat_server import wording
from datacat_server.store.comparison import MetricRow
from datacat_server.store.protocol import Store
from datacat_server.store.views import MetricFilter, Series
from datacat_server.telling import vitals
from datacat_server.web.compare.asked import MOST_METRICS, Asked
from datacat_server.web.compare.lanes import Lane
from datacat_server.web.session.timeline.axis import View
from datacat_server.web.shell import course

WIDTH, HEIGHT = 1000, 90
USUAL = 3
_POINTS = 240
_LOOKED_AT = 20
_MEMORY = "process_resident_memory_bytes"


@dataclass(frozen=True)
class Line:
    """The course of one session: an SVG path in a box of WIDTH by HEIGHT, its letter, and where that stands.

    `x` in percent, `y` in pixels; `place`: which of the sessions.
    """

    place: int
    letter: str
    path: str
    x: float
    y: float


@dataclass(frozen=True)
class Overlay:
    """A metric over all sessions that have it; `points` is JSON, `[[letter, [seconds …], [values …]] …]`."""

    name: str
    title: str
    unit: str
    low: str
    high: str
    lines: list[Line]
    points: str
    note: str


@dataclass(frozen=True)
class Choice:
    """A metric that may be drawn, in how many sessions it is, and the address with it, or without it."""

    title: str
    sessions: int
    address: str
    chosen: bool


def offered(rows: Sequence[MetricRow]) -> list[MetricRow]:
    """One row for each metric that has a course: those that most sessions have first, the vitals last."""
    found: dict[str, MetricRow] = {}
    for row in rows:
        if row.type != "histogram" and (row.name not in found or _having(row) > _having(found[row.name])):
            found[row.name] = row
    return sorted(found.values(), key=lambda row: (row.vital, -_having(row), not _varies(row), row.name))


def chosen(rows: Sequence[MetricRow], asked: Asked) -> list[MetricRow]:
    """Those of the rows that are drawn: what the address names, or a few that vary, and the memory."""
    if asked.metrics is not None:
        return [row for name in asked.metrics for row in rows if row.name == name]
    own = [row for row in rows if not row.vital and _varies(row) and row.type != "counter"]
    memory = [row for row in rows if row.name == _MEMORY]
    return [*own[: USUAL - len(memory)], *memory]


def choices(rows: Sequence[MetricRow], shown: Sequence[MetricRow], asked: Asked) -> list[Choice]:
    names = [row.name for row in shown]
    return [
        Choice(title(row), _having(row), asked.toggled(row.name, names).address(), row.name in names)
        for row in rows
        if row.name in names or len(names) < MOST_METRICS
    ]


def title(row: MetricRow) -> str:
    """What a metric is called."""
    whose = "DataCat’s daemon" if vitals.is_cost(row.name) else "process"
    return f"{whose} {vitals.words(row.name)}" if row.vital else row.name


def overlay(store: Store, row: MetricRow, lanes: Sequence[Lane], axis: View) -> Overlay:
    """A metric of all sessions that have it. Raises UnknownSession."""
    courses: list[tuple[int, Lane, list[float], list[float]]] = []
    parted = False
    for place, lane in enumerate(lanes):
        wanted = MetricFilter(name=row.name, type=row.type, vital=row.vital)
        series = store.series_page(lane.session.id, wanted, points=_POINTS, limit=_LOOKED_AT).series
        if series:
            times, values = _course(series)
            zero = lane.start.timestamp()
            seen = bisect_right(times, zero + axis.end) + 1
            courses.append((place, lane, [time - zero for time in times[:seen]], values[:seen]))
            parted = parted or len(series) > 1
    every = [value for *_, values in courses for value in values]
    low, high = min(every, default=0.0), max(every, default=0.0)
    if row.type == "counter":
        low, high = min(0.0, low), max(0.0, high)
    together = "its tag sets are summed up" if row.type == "counter" else "of several tag sets the one read most often"
    return Overlay(
        name=row.name,
        title=title(row),
        unit=wording.shorten(row.unit or "", wording.LONGEST_UNIT),
        low=wording.quantity(low, row.unit),
        high=wording.quantity(high, row.unit),
        lines=[_line(place, lane, times, values, low, high, axis, row) for place, lane, times, values in courses],
        points=msgspec.json.encode([[lane.letter, times, values] for _, lane, times, values in courses]).decode(),
        note=together if parted else "",
    )


def _course(series: Sequence[Series]) -> tuple[list[float], list[float]]:
    """The readings of a session: of counters their sum, of anything else the series that was read most often."""
    if series[0].type == "counter":
        return course.total(series)
    most = max(series, key=lambda one: one.count)
    return most.times, most.values


def _line(
    place: int,
    lane: Lane,
    times: list[float],
    values: list[float],
    low: float,
    high: float,
    axis: View,
    row: MetricRow,
) -> Line:
    box = course.Box(0.0, axis.seconds, WIDTH, HEIGHT)
    path = (
        _steps(times, values, low, high, box, lane.end)
        if row.type == "counter"
        else course.line(times, values, low, high, box)
    )
    last = max(0, bisect_right(times, axis.end) - 1)
    share = (values[last] / 2 - low / 2) / (high / 2 - low / 2) if high > low else 0.5
    y = HEIGHT - course.MARGIN - share * (HEIGHT - 2 * course.MARGIN)
    return Line(place, lane.letter, path, axis.x(times[last]), round(y, 1))


def _steps(times: list[float], values: list[float], low: float, high: float, box: course.Box, end: float) -> str:
    """A counter holds its value until its session ends, not until the axis does."""
    path = course.steps(times, values, low, high, box)
    return path.rpartition("H")[0] + f"H{end / 100 * box.width:.1f}"


def _having(row: MetricRow) -> int:
    return sum(value is not None for value in row.values)


def _varies(row: MetricRow) -> bool:
    return any(value is not None and value.maximum > value.minimum for value in row.values)
