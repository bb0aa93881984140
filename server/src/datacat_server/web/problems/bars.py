"""How often something happened day by day, as bars of an SVG."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from datacat_server.store.problems import OnDay

DAYS = 30
WIDTH, HEIGHT = 600, 60
_LEAST = 2.0  # of the height: a day with one is seen beside one with a thousand


@dataclass(frozen=True)
class Bar:
    """A day: its place and size in a box of WIDTH by HEIGHT, and what it stands for."""

    x: float
    y: float
    width: float
    height: float
    day: date
    count: int


def day_bars(days: Sequence[OnDay], last: date) -> list[Bar]:
    """The last DAYS days up to `last`, those without any too."""
    counts = {one.day: one.count for one in days}
    shown = [last - timedelta(days=DAYS - 1 - at) for at in range(DAYS)]
    most = max((counts.get(day, 0) for day in shown), default=0) or 1
    step = WIDTH / DAYS
    bars = []
    for at, day in enumerate(shown):
        count = counts.get(day, 0)
        height = max(_LEAST, count / most * HEIGHT) if count else 0.0
        bars.append(Bar(round(at * step, 1), round(HEIGHT - height, 1), step - 3, round(height, 1), day, count))
    return bars
