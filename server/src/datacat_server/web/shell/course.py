"""The course of a metric as an SVG path: a line that breaks where nothing was read, or steps that hold their value."""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from datacat_server.store.views import CloseUp, Series

MARGIN = 3
LEAST_SPAN = 0.05
"""A picture of values spans this share of the largest of them at least."""
_FEW = 8
GAP = 6  # times the usual distance of two readings: nothing was read in between


@dataclass(frozen=True)
class Box:
    """Where a path is drawn: from `start` (seconds since 1970) for `seconds`, into `width` by `height`."""

    start: float
    seconds: float
    width: int
    height: int

    def x(self, time: float) -> str:
        return f"{(time - self.start) / (self.seconds or 1.0) * self.width:.1f}"


def bounds(low: float, high: float) -> tuple[float, float]:
    """The values at the foot and at the top of a picture: what hardly varies is not to look as if it did."""
    least = LEAST_SPAN / 2 * max(abs(low), abs(high))
    middle, half = low / 2 + high / 2, high / 2 - low / 2
    if high == low or half >= least:
        return low, high
    return middle - least, middle + least


def line(times: Sequence[float], values: Sequence[float], low: float, high: float, box: Box) -> str:
    """Straight from reading to reading; a reading that stands alone between two gaps is a dot."""
    return lines(times, values, runs(times), low, high, box)


def lines(
    times: Sequence[float], values: Sequence[float], parts_of: Iterable[range], low: float, high: float, box: Box
) -> str:
    """As `line`, of readings whose parts are known."""
    parts = []
    for run in parts_of:
        points = [f"{box.x(times[i])} {_y(values[i], low, high, box)}" for i in run]
        parts.append(f"M{points[0]}h0" if len(points) == 1 else "M" + "L".join(points))
    return "".join(parts)


def steps(times: Sequence[float], values: Sequence[float], low: float, high: float, box: Box) -> str:
    """Level from each reading to the next and from the last to the end of the box: a counter only moves when told."""
    if not times:
        return ""
    points = zip(times, values, strict=True)
    moves = (f"H{box.x(time)}V{_y(value, low, high, box)}" for time, value in points)
    return f"M{box.x(times[0])} {_y(low, low, high, box)}{''.join(moves)}H{box.width}"


def runs(times: Sequence[float], apart: float = 0.0) -> Iterator[range]:
    """The readings' places, apart wherever the distance is much longer than usual.

    `apart`: how far they are from one another at other times too, where these may be few.
    """
    if not times:
        return
    longest = max(_usual_distance(times) if len(times) > _FEW or not apart else 0.0, apart) * GAP
    begin = 0
    for place in range(1, len(times)):
        if times[place] - times[place - 1] > longest:
            yield range(begin, place)
            begin = place
    yield range(begin, len(times))


def _usual_distance(times: Sequence[float]) -> float:
    distances = sorted(later - sooner for sooner, later in itertools.pairwise(times))
    return max(distances[len(distances) * 3 // 4], 1e-6) if distances else 1.0


def _y(value: float, low: float, high: float, box: Box) -> str:
    # Halved first: their difference may be larger than any number.
    share = (value / 2 - low / 2) / (high / 2 - low / 2) if high > low else 0.5
    return f"{box.height - MARGIN - share * (box.height - 2 * MARGIN):.1f}"


def total(series: Sequence[Series | CloseUp]) -> tuple[list[float], list[float]]:
    """The sum of counters over time: at each reading of any of them, what all have reached."""
    readings = sorted(
        (time, place, value)
        for place, one in enumerate(series)
        for time, value in zip(one.times, one.values, strict=True)
    )
    reached = [0.0] * len(series)
    times, values = [], []
    for time, place, value in readings:
        reached[place] = value
        times.append(time)
        values.append(sum(reached))
    return times, values
