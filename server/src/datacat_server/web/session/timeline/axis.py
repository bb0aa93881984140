"""How far a session's time axis reaches, which part of it is seen, and into which buckets that is counted.

Places on the axis are seconds from its start, in addresses too.
"""

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from datacat_server import wording
from datacat_server.model import Session

BUCKETS = 160
"""So many bars at most are drawn by the server."""
MOST_BUCKETS = 2_000
SHORTEST_VIEW = 0.001

_TICKS = (1e-3, 2e-3, 5e-3, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800)
_LONG_TICKS = (3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800, 2592000, 7776000, 31536000)
_TICKS_IN_VIEW = 8
_SHORTEST = timedelta(milliseconds=10)
_LAST = datetime.max.replace(tzinfo=UTC)
_LAST_START = _LAST - _SHORTEST
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True)
class View:
    """The part of an axis that is seen, in seconds from the axis' start."""

    begin: float
    end: float

    @property
    def seconds(self) -> float:
        return self.end - self.begin

    def x(self, at: float) -> float:
        """Where an instant is, in percent of the width; before and after the view, at its edges."""
        return round(min(100.0, max(0.0, 100 * (at - self.begin) / self.seconds)), 3)

    def holds(self, at: float) -> bool:
        return self.begin <= at <= self.end

    def zoomed(self, factor: float, seconds: float) -> "View":
        """The view with its length times `factor`, around its middle, within an axis of so many seconds."""
        middle, half = (self.begin + self.end) / 2, self.seconds * factor / 2
        return view(middle - half, middle + half, seconds)

    def panned(self, share: float, seconds: float) -> "View":
        """The view moved by a share of its length, as far as the axis reaches."""
        by = min(max(self.seconds * share, -self.begin), seconds - self.end)
        return View(self.begin + by, self.end + by)


@dataclass(frozen=True)
class Tick:
    """A labelled instant of the axis; `x` in percent."""

    x: float
    label: str


@dataclass(frozen=True)
class Grid:
    """Buckets of equal length that cover a view: the first begins `begin` seconds after the axis' start."""

    start: datetime
    end: datetime
    begin: float
    count: int


def span(session: Session, now: datetime) -> tuple[datetime, datetime]:
    """Where a session's axis starts and ends; never empty, and it holds the last record."""
    end = session.ended_at or (now if session.active else max(session.updated_at, session.created_at))
    start = min(session.created_at, _LAST_START)
    return start, max(end, start + _SHORTEST)


def view(begin: float | None, end: float | None, seconds: float) -> View:
    """The part of an axis of so many seconds that is asked for; all of it, where that is none."""
    first = begin if begin is not None and math.isfinite(begin) else 0.0
    last = end if end is not None and math.isfinite(end) else seconds
    first, last = max(0.0, first), min(seconds, last)
    if last - first < min(SHORTEST_VIEW, seconds):
        return View(0.0, seconds)
    return View(first, last)


def instant(at: float | None, seconds: float) -> float | None:
    """The place on the axis that is looked at, None where there is none."""
    return None if at is None or not math.isfinite(at) else min(max(at, 0.0), seconds)


def grid(start: datetime, seen: View, most: int = BUCKETS) -> Grid:
    """At most `most` buckets, and one more, over a view of the axis that starts at `start`.

    Their width is a power of two, in microseconds, and they begin at multiples of it: while a session lives, or a view
    moves, bars stay where they were, and what the store has counted stays counted. The last one may reach over the end.
    """
    first, last = round(seen.begin * 1e6), math.ceil(seen.end * 1e6)
    width = 1 << max(0, -(-(last - first) // most) - 1).bit_length()
    low, high = first // width, max(-(-last // width), first // width + 1)
    begin = start + low * width * _MICROSECOND
    end = begin + min((high - low) * width * _MICROSECOND, _LAST - begin)
    return Grid(begin, end, low * width / 1e6, high - low)


def ticks(seen: View) -> list[Tick]:
    """Round instants of a view, at most nine."""
    steps = _TICKS + _LONG_TICKS
    step = next((step for step in steps if seen.seconds / step <= _TICKS_IN_VIEW), seen.seconds / _TICKS_IN_VIEW)
    digits = max(0, -math.floor(math.log10(step))) if step < 1 else 0
    places = range(math.ceil(seen.begin / step - 1e-9), math.floor(seen.end / step + 1e-9) + 1)
    return [Tick(seen.x(place * step), wording.elapsed(place * step, digits)) for place in places]
