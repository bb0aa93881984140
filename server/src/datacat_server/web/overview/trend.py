"""How a share changed from day to day, as a line in a small box."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from datacat_server.store.releases import ReleaseDay

WIDTH, HEIGHT = 96, 20
_MARGIN = 2
_LEAST_SPAN = 5.0  # percent: less than that fills no box, so that a hundredth does not look like a fall


@dataclass(frozen=True)
class Trend:
    """Paths in a box of WIDTH by HEIGHT: the line, and what is under it."""

    line: str
    area: str


def trend(days: list[ReleaseDay], share: Callable[[ReleaseDay], float], first: date, last: date) -> Trend | None:
    """The course of a share, in percent, from a first day to a last one; None where nothing is known of these."""
    shown = [day for day in days if first <= day.day <= last]
    if not shown:
        return None
    low = min(min(map(share, shown)), 100 - _LEAST_SPAN)
    length = max(1, (last - first).days)
    points = [
        (
            _MARGIN + (day.day - first).days / length * (WIDTH - 2 * _MARGIN),
            _MARGIN + (100 - share(day)) / (100 - low) * (HEIGHT - 2 * _MARGIN),
        )
        for day in shown
    ]
    if len(points) == 1:  # a day by itself is as wide as a day
        [(x, y)] = points
        points = [(x - WIDTH / length, y), (x, y)]
    line = "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    return Trend(f"M{line}", f"M{points[0][0]:.1f} {HEIGHT}L{line}V{HEIGHT}z")
