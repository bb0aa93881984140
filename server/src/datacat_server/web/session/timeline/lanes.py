"""The metrics that have a lane on the time axis: those that were chosen, or those worth one."""

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

from datacat_server import wording
from datacat_server.store.views import CloseUp, Series
from datacat_server.telling import vitals
from datacat_server.web.session.timeline.axis import View
from datacat_server.web.shell import course

LINE_WIDTH, LINE_HEIGHT = 1000, 56
MAX_LANES = 3
MOST_CHOSEN = 12
_MEMORY = "process_resident_memory_bytes"

Metric = TypeVar("Metric", Series, CloseUp)

Group = list[Series] | list[CloseUp]
"""Metrics that share a lane: one, or counters that differ in their tags only; over all of the axis, or a part of it."""


@dataclass(frozen=True)
class Course:
    """Readings as (times, values) in seconds from the axis' start, ranges of them that belong together, and bounds.

    `steps`: a value holds until the next. `lows` and `highs`: the least and the greatest of the readings that a value
    is the mean of; empty where every value is a reading.
    """

    times: list[float]
    values: list[float]
    lows: list[float]
    highs: list[float]
    runs: list[range]
    low: float
    high: float
    steps: bool


@dataclass(frozen=True)
class Lane:
    """One metric on the axis; `path` is its course as SVG in a box of LINE_WIDTH by LINE_HEIGHT."""

    key: str
    name: str
    tags: str
    span: str
    path: str


def key(series: Series | CloseUp) -> str:
    """What a metric is called in addresses: `fps`, or `load{level:7}` where it has tags that part it from others."""
    tags = [] if series.type == "counter" else series.tags
    return f"{series.name}{{{','.join(tags)}}}" if tags else series.name


def name_of(lane: str) -> str:
    """The name of the metric in what `key` has made."""
    name, brace, _ = lane.partition("{")
    return name if brace and lane.endswith("}") else lane


def can_have_lane(series: Series | CloseUp) -> bool:
    return bool(series.times) and series.type != "histogram"


def groups(series: Sequence[Metric]) -> list[list[Metric]]:
    """Series by the lane that they would have."""
    found: dict[tuple[object, ...], list[Metric]] = {}
    for one in series:
        if can_have_lane(one):
            apart = () if one.type == "counter" else tuple(one.tags)
            found.setdefault((one.vital, one.name, one.type, one.unit, apart), []).append(one)
    return list(found.values())


def picked(series: Sequence[Metric], wanted: Sequence[str]) -> list[list[Metric]]:
    """The metrics with a lane, in the order of `wanted`, their keys."""
    by_key: dict[str, list[list[Metric]]] = {}
    for group in groups(series):
        by_key.setdefault(key(group[0]), []).append(group)
    return [group for one in dict.fromkeys(wanted) for group in by_key.get(one, [])][:MOST_CHOSEN]


def chosen(series: Sequence[Series]) -> list[list[Series]]:
    """The metrics worth a lane: those that vary and were read most often, the application's before the vitals.

    Counters that differ in their tags only share a lane.
    """
    varying = [group for group in groups(series) if _varies(group)]
    own = [group for group in varying if not group[0].vital]
    own.sort(key=lambda group: (group[0].type != "gauge", -sum(one.count for one in group)))
    vitals = [group for group in varying if group[0].vital and group[0].name == _MEMORY]
    return own[: MAX_LANES - len(vitals[:1])] + vitals[:1]


def _varies(group: list[Series]) -> bool:
    return sum(len(one.values) for one in group) > 2 and (
        len(group) > 1 or any(one.maximum > one.minimum for one in group)
    )


def course_of(group: Group, start: datetime) -> Course:
    """What a lane draws, on an axis that starts at `start`."""
    first, zero = group[0], start.timestamp()
    steps = first.type == "counter"
    low, high = first.minimum, first.maximum
    lows: list[float] = []
    highs: list[float] = []
    if steps:
        times, values = course.total(group)
        runs = [range(len(times))]
        if isinstance(first, CloseUp):
            low, high = min(0.0, low), max(0.0, sum(one.maximum for one in group))
        else:
            low, high = min(0.0, *values), max(0.0, *values)
    else:
        times, values = first.times, first.values
        runs = list(course.runs(times, first.apart if isinstance(first, CloseUp) else 0.0))
        if isinstance(first, CloseUp) and first.lows != first.highs:
            lows, highs = first.lows, first.highs
    return Course([time - zero for time in times], values, lows, highs, runs, low, high, steps)


def within(drawn: Course, seen: View) -> Course:
    """The part of a course that a view shows, and one reading beyond each edge."""
    low = max(0, bisect_left(drawn.times, seen.begin) - 1)
    high = bisect_right(drawn.times, seen.end) + 1
    runs = [range(max(run.start, low) - low, min(run.stop, high) - low) for run in drawn.runs]
    return replace(
        drawn,
        times=drawn.times[low:high],
        values=drawn.values[low:high],
        lows=drawn.lows[low:high],
        highs=drawn.highs[low:high],
        runs=[run for run in runs if len(run)],
    )


def lane(group: Group, start: datetime, seen: View) -> Lane:
    """A metric's lane in a view of the axis that starts at `start`."""
    first = group[0]
    shown = within(course_of(group, start), seen)
    box = course.Box(seen.begin, seen.seconds, LINE_WIDTH, LINE_HEIGHT)
    foot, top = course.bounds(shown.low, shown.high)
    if shown.steps:
        path = course.steps(shown.times, shown.values, foot, top, box)
    else:
        path = course.lines(shown.times, shown.values, shown.runs, foot, top, box)
    name, tags = words(group)
    return Lane(key(first), name, tags, wording.quantities(shown.low, shown.high, first.unit), path)


def words(group: Group) -> tuple[str, str]:
    """What a lane is called, and its tags."""
    first = group[0]
    tags = " ".join(first.tags) if len(group) == 1 else f"sum of {len(group)} tag sets"
    whose = "DataCat’s daemon" if vitals.is_cost(first.name) else "process"
    name = f"{whose} {vitals.words(first.name)}" if first.vital else first.name
    return wording.shorten(name, 60), wording.shorten(tags, 60)


@dataclass(frozen=True)
class Choice:
    """A metric that can have a lane: its key, and what it is called."""

    key: str
    name: str
    tags: str


def choices(series: Sequence[Series]) -> list[Choice]:
    """The metrics that can have a lane, in their order."""
    return [Choice(key(group[0]), *words(group)) for group in groups(series)]


def choice(lane: str, shown: Collection[str]) -> list[str]:
    """The lanes after one was put on the axis, or taken from it where it is there."""
    return [one for one in shown if one != lane] if lane in shown else [*shown, lane]
