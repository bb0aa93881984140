"""Chosen metrics of all sessions, one over the other, on the axis that begins with the start of each."""

import sys
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace

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
_LEAST_SPAN = 0.05
"""What varies by less than this share of its value is drawn as nearly flat, as it is."""
_LETTER_HEIGHT = 11
_NEAR = 3.0
_LOOKED_AT = 20
_MEMORY = "process_resident_memory_bytes"


@dataclass(frozen=True)
class Line:
    """The course of one session: an SVG path in a box of WIDTH by HEIGHT, its letter, and where that stands.

    `dots`: the readings that stand alone. `x` in percent, `y` in pixels; `place`: which of the sessions.
    """

    place: int
    letter: str
    path: str
    dots: str
    x: float
    y: float


@dataclass(frozen=True)
class Overlay:
    """A metric over all sessions that have it; `points` is JSON, `[[letter, [seconds …], [values …]] …]`."""

    name: str
    title: str
    unit: str
    range: str
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
    told = wording.quantities(low, high, row.unit) if high > low else wording.quantity(low, row.unit)
    low, high = _widened(low, high)
    if row.type == "counter":
        low, high = min(0.0, low), max(0.0, high)
    together = "its tag sets are summed up" if row.type == "counter" else "of several tag sets the one read most often"
    return Overlay(
        name=row.name,
        title=title(row),
        unit=wording.shorten(row.unit or "", wording.LONGEST_UNIT),
        range=told,
        lines=_apart(
            [_line(place, lane, times, values, low, high, axis, row) for place, lane, times, values in courses]
        ),
        points=msgspec.json.encode([[lane.letter, times, values] for _, lane, times, values in courses]).decode(),
        note=together if parted else "",
    )


def _widened(low: float, high: float) -> tuple[float, float]:
    """The scale of values: noise of a value that hardly moves does not fill the picture."""
    middle, half = low / 2 + high / 2, high / 2 - low / 2
    least = _LEAST_SPAN / 2 * max(abs(low), abs(high))
    if half >= least:
        return low, high
    greatest = sys.float_info.max
    return max(-greatest, middle - least), min(greatest, middle + least)


def _apart(lines: list[Line]) -> list[Line]:
    """The lines with letters that do not stand on one another, where they end at nearly the same place."""
    placed: list[Line] = []
    for line in sorted(lines, key=lambda one: one.y):
        above = [one.y for one in placed if abs(one.x - line.x) < _NEAR]
        placed.append(replace(line, y=max([line.y, *(y + _LETTER_HEIGHT for y in above)])))
    beyond = max((line.y for line in placed), default=0.0) - HEIGHT
    if beyond > 0:
        placed = [replace(line, y=round(line.y - beyond, 1)) for line in placed]
    return sorted(placed, key=lambda one: one.place)


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
    if row.type == "counter":
        path, dots = _steps(times, values, low, high, box, lane.end), ""
    else:
        runs = list(course.runs(times))
        path = course.lines(times, values, [run for run in runs if len(run) > 1], low, high, box)
        dots = course.lines(times, values, [run for run in runs if len(run) == 1], low, high, box)
    last = max(0, bisect_right(times, axis.end) - 1)
    share = (values[last] / 2 - low / 2) / (high / 2 - low / 2) if high > low else 0.5
    y = HEIGHT - course.MARGIN - share * (HEIGHT - 2 * course.MARGIN)
    return Line(place, lane.letter, path, dots, axis.x(times[last]), round(y, 1))


def _steps(times: list[float], values: list[float], low: float, high: float, box: course.Box, end: float) -> str:
    """A counter holds its value until its session ends, not until the axis does."""
    path = course.steps(times, values, low, high, box)
    return path.rpartition("H")[0] + f"H{end / 100 * box.width:.1f}"


def _having(row: MetricRow) -> int:
    return sum(value is not None for value in row.values)


def _varies(row: MetricRow) -> bool:
    return any(value is not None and value.maximum > value.minimum for value in row.values)
