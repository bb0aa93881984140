"""How often something happened day by day, as bars of an SVG."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from datacat_server.store.problems import OnDay

WIDTH, HEIGHT = 600, 60
SMALL_WIDTH, SMALL_HEIGHT, SMALL_DAYS = 120, 22, 30
_LEAST = 2.0  # a day with one is seen beside one with a thousand


@dataclass(frozen=True)
class Bar:
    """A day: its place and size in a box of WIDTH by HEIGHT, and what it stands for."""

    x: float
    y: float
    width: float
    height: float
    day: date
    count: int


@dataclass(frozen=True)
class Trend:
    """Bars in a box of SMALL_WIDTH by SMALL_HEIGHT, as one path; how often in all, and on the worst of these days."""

    path: str
    total: int
    most: int
    worst: date | None


def day_bars(days: Sequence[OnDay], last: date, length: int) -> list[Bar]:
    """So many days up to `last`, those without any too."""
    counts = _counts(days, last, length)
    most = max(counts.values()) or 1
    step = WIDTH / length
    gap = min(3.0, step / 4)
    bars = []
    for at, (day, count) in enumerate(counts.items()):
        height = max(_LEAST, count / most * HEIGHT) if count else 0.0
        bars.append(
            Bar(round(at * step, 2), round(HEIGHT - height, 1), round(step - gap, 2), round(height, 1), day, count)
        )
    return bars


def trend(days: Sequence[OnDay], last: date) -> Trend:
    """The last SMALL_DAYS days up to `last` in small."""
    counts = _counts(days, last, SMALL_DAYS)
    most = max(counts.values())
    step = SMALL_WIDTH / SMALL_DAYS
    path = "".join(
        f"M{at * step:g} {SMALL_HEIGHT}v{-max(_LEAST, count / most * SMALL_HEIGHT):.1f}h{step - 1:g}V{SMALL_HEIGHT}z"
        for at, count in enumerate(counts.values())
        if count
    )
    worst = max(counts, key=lambda day: (counts[day], day)) if most else None
    return Trend(path, sum(counts.values()), most, worst)


def _counts(days: Sequence[OnDay], last: date, length: int) -> dict[date, int]:
    told = {one.day: one.count for one in days}
    shown = (last - timedelta(days=length - 1 - at) for at in range(length))
    return {day: told.get(day, 0) for day in shown}
