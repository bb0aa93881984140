"""What a script draws the time axis from: folded counts of the part that is seen, as its width has room for."""

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise

from msgspec import Struct

from datacat_server import wording
from datacat_server.model import Session
from datacat_server.store.protocol import Store
from datacat_server.store.views import CloseUp, MetricFilter, Series
from datacat_server.web.session.timeline import axis, lanes
from datacat_server.web.session.timeline.phases import phases
from datacat_server.web.shell import course

POINTS = 2_048
"""So many readings of a metric at most, over the whole of a session."""
_MOST_SERIES = 100


class Stretch(Struct, frozen=True):
    """A part of the session's life in one status."""

    begin: float
    end: float
    status: str


class Curve(Struct, frozen=True, kw_only=True):
    """The course of a metric: `values` at `times`, null where it breaks. `steps`: a value holds until the next.

    `lows` and `highs`: the least and the greatest of the readings that a value is the mean of, null where it breaks;
    empty where every value is a reading. `low` and `high`: at the foot and the top of its lane.
    """

    key: str
    name: str
    tags: str
    span: str
    unit: str
    low: float
    high: float
    steps: bool
    times: list[float]
    values: list[float | None]
    lows: list[float | None]
    highs: list[float | None]


class Picture(Struct, frozen=True, kw_only=True):
    """Part of a session's time axis.

    All places are seconds from `start` (seconds since 1970 UTC); the axis is `seconds` long, and grows while the
    session is `running`. Of `levels`, `exceptions` and `state_changes` each list has a count for every bucket of `step`
    seconds from `begin` on.
    """

    start: float
    seconds: float
    running: bool
    begin: float
    step: float
    levels: dict[str, list[int]]
    exceptions: list[int]
    state_changes: list[int]
    phases: list[Stretch]
    lanes: list[Curve]


def picture(
    store: Store, session_id: str, begin: float | None, end: float | None, buckets: int, wanted: Sequence[str]
) -> Picture:
    """The part of a session's axis from `begin` to `end` in about as many buckets; `wanted`: keys of metrics.

    Raises UnknownSession.
    """
    session = store.session(session_id, ())
    start, last = axis.span(session, datetime.now(UTC))
    seconds = (last - start).total_seconds()
    seen = axis.view(begin, end, seconds)
    cells = axis.grid(start, seen, min(max(1, buckets), axis.MOST_BUCKETS))
    whole = seen == axis.View(0.0, seconds)
    folded = store.timeline(session_id, cells.start, cells.end, cells.count, outside=whole)
    return Picture(
        start=start.timestamp(),
        seconds=seconds,
        running=session.active,
        begin=cells.begin,
        step=(cells.end - cells.start).total_seconds() / cells.count,
        levels=folded.levels,
        exceptions=folded.exceptions,
        state_changes=folded.state_changes,
        phases=_stretches(session, start, seconds, seen),
        lanes=[_curve(group, start, seen) for group in shown(store, session_id, wanted, None if whole else cells)],
    )


def _stretches(session: Session, start: datetime, seconds: float, seen: axis.View) -> list[Stretch]:
    return [
        Stretch(phase.begin, phase.end, phase.status)
        for phase in phases(session, start, seconds)
        if phase.end >= seen.begin and phase.begin <= seen.end
    ]


def shown(
    store: Store, session_id: str, wanted: Sequence[str], part: axis.Grid | None, points: int = POINTS
) -> list[lanes.Group]:
    """The metrics with a lane, by their keys, with at most `points` readings each; or as exact as a part has room for.

    Raises UnknownSession.
    """
    found: list[Series] = []
    near: list[CloseUp] = []
    # A name may look like one with tags.
    keys = wanted[: lanes.MOST_CHOSEN]
    for name in dict.fromkeys([*keys, *map(lanes.name_of, keys)]):
        for vital in (False, True):
            meant = MetricFilter(name=name, vital=vital)
            if part is None:
                found += store.series_page(session_id, meant, points=points, limit=_MOST_SERIES).series
            else:
                near += store.close_ups(session_id, meant, part.start, part.end, buckets=part.count, limit=_MOST_SERIES)
    return [*lanes.picked(found, wanted), *lanes.picked(near, wanted)]


def _curve(group: lanes.Group, start: datetime, seen: axis.View) -> Curve:
    drawn = lanes.within(lanes.course_of(group, start), seen)
    foot, top = course.bounds(drawn.low, drawn.high)
    name, tags = lanes.words(group)
    unit = group[0].unit
    return Curve(
        key=lanes.key(group[0]),
        name=name,
        tags=tags,
        span=wording.quantities(drawn.low, drawn.high, unit),
        unit=wording.shorten(unit or "", wording.LONGEST_UNIT),
        low=foot,
        high=top,
        steps=drawn.steps,
        times=_times(drawn),
        values=_with_breaks(drawn.runs, drawn.values),
        lows=_with_breaks(drawn.runs, drawn.lows) if drawn.lows else [],
        highs=_with_breaks(drawn.runs, drawn.highs) if drawn.highs else [],
    )


def _times(drawn: lanes.Course) -> list[float]:
    """The times of the readings, and one between two runs of them."""
    times: list[float] = []
    for before, run in pairwise([range(0), *drawn.runs]):
        if len(before):
            times.append((drawn.times[before.stop - 1] + drawn.times[run.start]) / 2)
        times += [round(time, 6) for time in drawn.times[run.start : run.stop]]
    return times


def _with_breaks(runs: Sequence[range], values: list[float]) -> list[float | None]:
    found: list[float | None] = []
    for run in runs:
        if found:
            found.append(None)
        found += values[run.start : run.stop]
    return found
