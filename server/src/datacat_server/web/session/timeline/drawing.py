"""The one time axis of a session's page: what happened when, as shapes placed in percent of its width.

Percent, so that the same drawing fits every screen without a script; heights are pixels.
"""

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from datacat_server import wording
from datacat_server.model import Session, Status, Verdict
from datacat_server.store.views import Series, Timeline
from datacat_server.web.session import vitals
from datacat_server.web.shell import course

BUCKETS = 160
EVENTS_HEIGHT = 44
LINE_WIDTH, LINE_HEIGHT = 1000, 40
MAX_LANES = 3
_MEMORY = "process_resident_memory_bytes"

_STEPS = (1e-3, 2e-3, 5e-3, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800)
_LONG_STEPS = (3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800, 2592000)
_SHORTEST = timedelta(milliseconds=10)
_LAST = datetime.max.replace(tzinfo=UTC)
_LAST_START = _LAST - _SHORTEST
_SEVERE = ("warning", "error", "critical")


@dataclass(frozen=True)
class Tick:
    """A labelled instant of the axis."""

    x: float
    label: str


@dataclass(frozen=True)
class Phase:
    """A stretch of the session's life in one status."""

    x: float
    width: float
    status: str
    title: str
    label: str


@dataclass(frozen=True)
class Bar:
    """The events of one bucket and one weight (`plain`, `warning` or `error`)."""

    x: float
    width: float
    y: float
    height: float
    weight: str
    title: str


@dataclass(frozen=True)
class Mark:
    """Exceptions or state changes of one bucket, and the place on the axis, in seconds, to look at."""

    x: float
    count: int
    at: float
    label: str


@dataclass(frozen=True)
class Lane:
    """The course of one metric, as an SVG path in a box of LINE_WIDTH by LINE_HEIGHT."""

    name: str
    tags: str
    span: str
    path: str


@dataclass(frozen=True)
class Axis:
    """Everything that the timeline draws."""

    start: datetime
    seconds: float
    ticks: list[Tick]
    phases: list[Phase]
    bars: list[Bar]
    exceptions: list[Mark]
    changes: list[Mark]
    lanes: list[Lane]
    cursor: float | None
    busiest: int


def span(session: Session, now: datetime) -> tuple[datetime, datetime]:
    """Where a session's axis starts and ends; never empty, and it holds the last record."""
    end = session.ended_at or (now if session.active else max(session.updated_at, session.created_at))
    start = min(session.created_at, _LAST_START)
    return start, max(end, start + _SHORTEST)


def buckets(start: datetime, end: datetime) -> tuple[datetime, int]:
    """Where the buckets of an axis end, and how many there are: at most BUCKETS.

    Their width is a power of two, in microseconds: while a session lives it stays the same or doubles, so that bars
    stay where they were, and what the store has counted stays counted. The last one may reach over the axis' end.
    """
    length = (end - start) // timedelta(microseconds=1)
    width = 1 << max(0, -(-length // BUCKETS) - 1).bit_length()
    count = -(-length // width)
    return start + min(timedelta(microseconds=count * width), _LAST - start), count


def draw(session: Session, end: datetime, folded: Timeline, series: list[Series], at: float | None) -> Axis:
    """Place a session's folded records on its axis; `at` is the instant looked at, in seconds from the start."""
    seconds = (end - folded.start).total_seconds()
    busiest = max((sum(counts) for counts in zip(*folded.levels.values(), strict=True)), default=0)
    return Axis(
        start=folded.start,
        seconds=seconds,
        ticks=_ticks(seconds),
        phases=_phases(session, folded.start, seconds),
        bars=_bars(folded, seconds, busiest),
        exceptions=_marks(folded.exceptions, _step(folded), seconds, "exception"),
        changes=_marks(folded.state_changes, _step(folded), seconds, "state change"),
        lanes=[_lane(group, folded.start, seconds) for group in chosen(series)],
        cursor=None if at is None else _percent(at, seconds),
        busiest=busiest,
    )


def chosen(series: list[Series]) -> list[list[Series]]:
    """The metrics worth a lane: those that vary and were read most often, the application's before the vitals.

    Counters that differ in their tags only share a lane.
    """
    groups: dict[tuple[object, ...], list[Series]] = {}
    for one in series:
        apart = () if one.type == "counter" else tuple(one.tags)
        if one.times and one.type != "histogram":
            groups.setdefault((one.vital, one.name, one.type, one.unit, apart), []).append(one)
    varying = [group for group in groups.values() if _varies(group)]
    own = [group for group in varying if not group[0].vital]
    own.sort(key=lambda group: (group[0].type != "gauge", -sum(one.count for one in group)))
    vitals = [group for group in varying if group[0].vital and group[0].name == _MEMORY]
    return own[: MAX_LANES - len(vitals[:1])] + vitals[:1]


def _varies(group: list[Series]) -> bool:
    return sum(len(one.values) for one in group) > 2 and (
        len(group) > 1 or any(one.maximum > one.minimum for one in group)
    )


def _percent(at: float, seconds: float) -> float:
    return round(min(100.0, max(0.0, 100 * at / seconds)), 3)


def _ticks(seconds: float) -> list[Tick]:
    step = next((step for step in _STEPS + _LONG_STEPS if seconds / step <= 8), seconds / 8)
    digits = max(0, -math.floor(math.log10(step))) if step < 1 else 0
    return [
        Tick(_percent(i * step, seconds), wording.elapsed(i * step, digits)) for i in range(int(seconds / step) + 1)
    ]


def _phases(session: Session, start: datetime, seconds: float) -> list[Phase]:
    """A session's statuses one after the other, from what was found out about it."""
    becomes = {"hung": "hung", "suspended": "suspended", "recovered": "active", "resumed": "active"}
    turns = [(0.0, "active")]
    for verdict in session.verdicts:
        at = (verdict.timestamp - start).total_seconds()
        if (hung := _seconds(verdict, "hung_seconds")) and turns[-1][1] == "hung":
            # Told exactly when it is over: since the last beat.
            turns[-1] = (max(at - hung, turns[-2][0]), "hung")
        if status := becomes.get(verdict.status):
            silent = _seconds(verdict, "silent_seconds") if status == "hung" else 0.0
            turns.append((at - silent, status))
    if session.status is Status.SUSPENDED and turns[-1][1] != "suspended" and session.last_heartbeat:
        turns.append(((session.last_heartbeat - start).total_seconds(), "suspended"))
    turns = sorted((min(max(0.0, at), seconds), status) for at, status in turns[:500])
    phases = []
    for (begin, status), (end, _) in zip(turns, [*turns[1:], (seconds, "")], strict=True):
        width = _percent(end - begin, seconds)
        long = wording.duration(end - begin)
        title = f"{status} {long}, from {wording.elapsed(begin)} to {wording.elapsed(end)}"
        label = f"{status} {long}" if width > 12 and status != "active" else ""
        phases.append(Phase(_percent(begin, seconds), max(width, 0.3), status, title, label))
    return phases


def _seconds(verdict: Verdict, key: str) -> float:
    """How long a hang had lasted, by what its verdict or the one that ended it says; 0 where it says nothing."""
    told = verdict.data.get(key)
    return float(told) if isinstance(told, int | float) and 0 <= told < 1e9 else 0.0


def _bars(folded: Timeline, seconds: float, busiest: int) -> list[Bar]:
    step = _step(folded)
    width = 100 * step / seconds
    bars = []
    for place in range(len(folded.exceptions)):
        counts = {level: values[place] for level, values in folded.levels.items() if values[place]}
        if not counts:
            continue
        weights = {"plain": sum(n for level, n in counts.items() if level not in _SEVERE)}
        weights["warning"] = counts.get("warning", 0)
        weights["error"] = counts.get("error", 0) + counts.get("critical", 0)
        when = wording.elapsed(place * step, 1)
        title = f"{when}: " + ", ".join(f"{wording.number(n)} {level}" for level, n in counts.items())
        y = float(EVENTS_HEIGHT)
        for weight, amount in weights.items():
            if amount:
                # One error among thousands of events must still be seen.
                height = max(2.5, amount / busiest * (EVENTS_HEIGHT - 6))
                y -= height
                x = round(place * width, 3)
                shown = round(min(width * 0.8, 100 - x), 3)
                bars.append(Bar(x, shown, round(y, 2), round(height, 2), weight, title))
    return bars


def _step(folded: Timeline) -> float:
    """How long a bucket is, in seconds."""
    return (folded.end - folded.start).total_seconds() / len(folded.exceptions)


def _marks(counts: list[int], step: float, seconds: float, what: str) -> list[Mark]:
    return [
        Mark(
            x=_percent((place + 0.5) * step, seconds),
            count=count,
            at=round((place + 1) * step, 6),
            label=f"{wording.number(count)} {what}{'s' if count > 1 else ''} at {wording.elapsed(place * step, 1)}",
        )
        for place, count in enumerate(counts)
        if count
    ]


def _lane(group: list[Series], start: datetime, seconds: float) -> Lane:
    first = group[0]
    box = course.Box(start.timestamp(), seconds, LINE_WIDTH, LINE_HEIGHT)
    tags = " ".join(first.tags) if len(group) == 1 else f"sum of {len(group)} tag sets"
    if first.type == "counter":
        times, values = course.total(group)
        low, high = min(0.0, *values), max(0.0, *values)
        path = course.steps(times, values, low, high, box)
    else:
        low, high = first.minimum, first.maximum
        path = course.line(first.times, first.values, low, high, box)
    span = wording.quantities(low, high, first.unit)
    name = f"process {vitals.words(first.name)}" if first.vital else first.name
    return Lane(wording.shorten(name, 60), wording.shorten(tags, 60), span, path)
