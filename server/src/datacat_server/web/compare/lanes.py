"""Each session's life on an axis that begins with its start: in which status it was, and its events by level."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from datacat_server import wording
from datacat_server.model import Session
from datacat_server.store.protocol import Store
from datacat_server.web.session.timeline.axis import View, span
from datacat_server.web.session.timeline.phases import Phase, phases

PARTS = 120
HEIGHT = 40
_LAYERS = (("usual", ("debug", "info")), ("warning", ("warning",)), ("error", ("error", "critical")))
_LETTERS = "ABCDEFGH"
_LITTLE = 0.4


@dataclass(frozen=True)
class Bar:
    """A status or a number of events on the axis; x and width in percent, y and height in pixels."""

    x: float
    width: float
    y: float
    height: float
    kind: str
    title: str


@dataclass(frozen=True)
class Lane:
    """A session on the common axis; `letter` names it in the tables.

    `end`: where it ends, in percent; `is_whole`: that this is on the axis. `peak`: events of its fullest stretch.
    """

    letter: str
    session: Session
    start: datetime
    seconds: float
    end: float
    is_whole: bool
    peak: str
    life: list[Bar]
    events: list[Bar]


def lanes(
    store: Store, sessions: Sequence[Session], now: datetime, until: float | None = None
) -> tuple[list[Lane], View]:
    """The sessions' lanes, and the axis that all of them lie on: whole, or its first `until` seconds.

    Raises UnknownSession.
    """
    spans = [span(session, now) for session in sessions]
    lived = [(end - start).total_seconds() for start, end in spans]
    axis = View(0.0, min(max(lived), until or math.inf))
    width = axis.seconds / PARTS
    counted = []
    for session, (start, _), seconds in zip(sessions, spans, lived, strict=True):
        parts = min(PARTS, max(1, math.ceil(seconds / width - 1e-9)))
        end = start + min(timedelta(seconds=parts * width), datetime.max.replace(tzinfo=UTC) - start)
        # What is outside is noted a moment before the start or after the end, unless the end is not seen.
        whole = seconds <= axis.seconds
        counted.append(store.timeline(session.id, start, end, parts, outside=whole).levels)
    # A scale of its own each: beside one that logs a thousand times as much, the others would show nothing.
    most = [max(map(sum, zip(*levels.values(), strict=True)), default=0) for levels in counted]
    return [
        Lane(
            letter,
            session,
            start,
            seconds,
            axis.x(seconds),
            seconds <= axis.seconds,
            wording.number(peak) if peak else "",
            [_status(phase, axis) for phase in phases(session, start, seconds) if phase.begin < axis.end],
            _stacked(levels, width, axis, peak or 1),
        )
        for letter, session, (start, _), seconds, levels, peak in zip(
            _LETTERS, sessions, spans, lived, counted, most, strict=False
        )
    ], axis


def _status(phase: Phase, axis: View) -> Bar:
    begin, end = axis.x(phase.begin), axis.x(phase.end)
    return Bar(begin, round(max(0.2, end - begin), 3), 0, 8, phase.status, phase.title)


def _stacked(levels: dict[str, list[int]], width: float, axis: View, most: int) -> list[Bar]:
    """Events of each stretch, one level on the other, errors on top as on the timeline of a session."""
    bars = []
    step = 100 / PARTS
    for part in range(len(levels["info"])):
        base = float(HEIGHT)
        counts = {kind: sum(levels[level][part] for level in held) for kind, held in _LAYERS}
        told = ", ".join(wording.count(levels[level][part], level) for level in levels if levels[level][part])
        for kind, count in counts.items():
            if count:
                height = max(1.5, count / most * HEIGHT)
                base -= height
                title = f"at {wording.elapsed(part * width, 0)}: {told}"
                bars.append(
                    Bar(round(part * step, 3), round(step * 0.86, 3), round(base, 1), round(height, 1), kind, title)
                )
    return bars


def shorter(lanes: Sequence[Lane]) -> list[Lane]:
    """The sessions that ended so long before the longest of all that hardly anything is seen of them."""
    longest = max(lane.seconds for lane in lanes)
    return sorted((lane for lane in lanes if lane.seconds < _LITTLE * longest), key=lambda lane: lane.seconds)
