"""The time axis as the server draws it: shapes placed in percent of its width.

Percent, so that the same drawing fits every screen without a script; heights are pixels.
"""

from dataclasses import dataclass
from datetime import datetime

from datacat_server import wording
from datacat_server.model import Session
from datacat_server.store.views import Timeline
from datacat_server.web.session.timeline import lanes
from datacat_server.web.session.timeline.axis import Grid, Tick, View, ticks
from datacat_server.web.session.timeline.phases import phases

EVENTS_HEIGHT = 56
OVERVIEW_WIDTH, OVERVIEW_HEIGHT = 1000, 22

_SEVERE = ("warning", "error", "critical")
_LABEL_NEEDS, _NARROWEST = 12, 0.3  # percent of the width


@dataclass(frozen=True)
class Stretch:
    """A phase of the session's life in a view; x and width in percent."""

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
class Drawing:
    """Everything that the server draws of an axis of `seconds` seconds; `overview`: all of it, a path by weight."""

    start: datetime
    seconds: float
    view: View
    ticks: list[Tick]
    phases: list[Stretch]
    bars: list[Bar]
    exceptions: list[Mark]
    changes: list[Mark]
    lanes: list[lanes.Lane]
    overview: dict[str, str]
    cursor: float | None
    busiest: int
    counts: str

    @property
    def whole(self) -> bool:
        return self.view == View(0.0, self.seconds)


@dataclass(frozen=True)
class Counted:
    """What the store has counted in a view of the axis, and in which buckets."""

    view: View
    grid: Grid
    folded: Timeline


def draw(
    session: Session, axis: tuple[datetime, float], seen: Counted, whole: Counted, groups: list[lanes.Group],
    at: float | None,
) -> Drawing:  # fmt: skip
    """Place a session's records on its axis.

    Args:
        axis: its start, and its length in seconds.
        seen: what is counted in the view.
        whole: what is counted in all of the axis, for the overview.
        groups: the metrics that have a lane.
        at: the instant looked at, in seconds from the start.
    """
    start, seconds = axis
    view = seen.view
    busiest = _busiest(seen.folded)
    return Drawing(
        start=start,
        seconds=seconds,
        view=view,
        ticks=ticks(view),
        phases=_stretches(session, start, seconds, view),
        bars=_bars(seen, busiest, EVENTS_HEIGHT),
        exceptions=_marks(seen, seen.folded.exceptions, "exception"),
        changes=_marks(seen, seen.folded.state_changes, "state change"),
        lanes=[lanes.lane(group, start, view) for group in groups],
        overview=_overview(whole),
        cursor=view.x(at) if at is not None and view.holds(at) else None,
        busiest=busiest,
        counts=counts(seen.folded),
    )


def counts(folded: Timeline) -> str:
    """What happened, in words: the alternative to the picture."""
    by_level = {level: sum(values) for level, values in folded.levels.items()}
    said = [f"{wording.number(count)} {level}" for level, count in reversed(by_level.items()) if count]
    parts = [wording.count(sum(by_level.values()), "event") + (f" ({', '.join(said)})" if said else "")]
    parts += [
        wording.count(sum(folded.exceptions), "exception"),
        wording.count(sum(folded.state_changes), "state change"),
    ]
    return ", ".join(parts)


def _busiest(folded: Timeline) -> int:
    return max((sum(held) for held in zip(*folded.levels.values(), strict=True)), default=0)


def _stretches(session: Session, start: datetime, seconds: float, view: View) -> list[Stretch]:
    found = []
    for phase in phases(session, start, seconds):
        if phase.end < view.begin or phase.begin > view.end:
            continue
        x = view.x(phase.begin)
        width = round(view.x(phase.end) - x, 3)
        label = phase.name if width > _LABEL_NEEDS and phase.status != "active" else ""
        found.append(Stretch(x, max(width, _NARROWEST), phase.status, phase.title, label))
    return found


def _bars(counted: Counted, busiest: int, tall: int) -> list[Bar]:
    step = _step(counted)
    bars = []
    for place in range(len(counted.folded.exceptions)):
        held = {level: values[place] for level, values in counted.folded.levels.items() if values[place]}
        if not held:
            continue
        weights = {"plain": sum(n for level, n in held.items() if level not in _SEVERE)}
        weights["warning"] = held.get("warning", 0)
        weights["error"] = held.get("error", 0) + held.get("critical", 0)
        begin = counted.grid.begin + place * step
        title = f"{wording.elapsed(begin, 1)}: " + ", ".join(
            f"{wording.number(n)} {level}" for level, n in held.items()
        )
        x = counted.view.x(begin)
        width = round((counted.view.x(begin + step) - x) * 0.8, 3)
        # The last one may begin just before the end.
        x, width = min(x, 100 - _NARROWEST), max(width, _NARROWEST)
        y = float(tall)
        for weight, amount in weights.items():
            if amount:
                # One error among thousands of events must still be seen.
                height = max(2.5, amount / busiest * (tall - 6))
                y -= height
                bars.append(Bar(x, width, round(y, 2), round(height, 2), weight, title))
    return bars


def _overview(counted: Counted) -> dict[str, str]:
    """The events of all of the axis as one path for each weight, in a box of OVERVIEW_WIDTH by OVERVIEW_HEIGHT."""
    levels = counted.folded.levels
    none = [0] * counted.grid.count
    plain = [sum(held) for held in zip(*(levels[name] for name in levels if name not in _SEVERE), strict=True)]
    severe = [sum(held) for held in zip(levels.get("error", none), levels.get("critical", none), strict=True)]
    by_weight = {"plain": plain or none, "warning": levels.get("warning", none), "error": severe}
    share = OVERVIEW_HEIGHT / max(1, _busiest(counted.folded))
    width = _step(counted) / counted.view.seconds * OVERVIEW_WIDTH
    bottoms = [float(OVERVIEW_HEIGHT)] * counted.grid.count
    paths = {}
    for weight, amounts in by_weight.items():
        parts = []
        for place, amount in enumerate(amounts):
            if amount:
                tall = max(1.5, amount * share)
                bottoms[place] -= tall
                parts.append(
                    f"M{place * width:.1f} {bottoms[place]:.1f}h{width * 0.8:.1f}v{tall:.1f}h{-width * 0.8:.1f}z"
                )
        paths[weight] = "".join(parts)
    return paths


def _step(counted: Counted) -> float:
    """How long a bucket is, in seconds."""
    return (counted.grid.end - counted.grid.start).total_seconds() / counted.grid.count


def _marks(counted: Counted, amounts: list[int], what: str) -> list[Mark]:
    step, begin = _step(counted), counted.grid.begin
    return [
        Mark(
            x=counted.view.x(begin + (place + 0.5) * step),
            count=amount,
            at=round(begin + (place + 1) * step, 6),
            label=f"{wording.count(amount, what)} at {wording.elapsed(begin + place * step, 1)}",
        )
        for place, amount in enumerate(amounts)
        if amount
    ]
