"""How a share changed from day to day, as a line in a small box."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date

from datacat_server.store.releases import ReleaseDay

WIDTH, HEIGHT = 96, 20
_MARGIN = 2
_HALF = 50.0  # percent: the floor where no share is lower, so that a hundredth does not look like a fall
_FEWEST_DAYS = 3


@dataclass(frozen=True)
class Trend:
    """Paths in a box of WIDTH by HEIGHT: the line, and what is under it."""

    line: str
    area: str


def lowest(shares: Iterable[float]) -> float:
    """The share, in percent, at the floor of all boxes that stand together."""
    return min(_HALF, min(shares, default=_HALF))


def trend(
    days: list[ReleaseDay], share: Callable[[ReleaseDay], float], first: date, last: date, low: float
) -> Trend | None:
    """The course of a share, in percent, from a first day to a last one, over `low`; None of too few days for one."""
    if len(days) < _FEWEST_DAYS:
        return None
    points = [
        (
            _MARGIN + (day.day - first).days / (last - first).days * (WIDTH - 2 * _MARGIN),
            _MARGIN + (100 - share(day)) / (100 - low) * (HEIGHT - 2 * _MARGIN),
        )
        for day in days
    ]
    line = "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    return Trend(f"M{line}", f"M{points[0][0]:.1f} {HEIGHT}L{line}V{HEIGHT}z")
