"""How values spread, in bins of equal width."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

BINS = 30
WIDTH, HEIGHT = 600, 120


@dataclass(frozen=True)
class Bin:
    """Values from `low` to `high`, the greatest of all included in the last; its bar in a box of WIDTH by HEIGHT."""

    low: float
    high: float
    count: int
    x: float
    y: float
    width: float
    height: float


def histogram(values: Sequence[float], low: float, high: float, box_height: float = HEIGHT) -> list[Bin]:
    """The bins from `low` to `high`; one where these are the same. Values that are not finite are left out."""
    finite = [value for value in values if math.isfinite(value)]
    if not finite:
        return []
    bins = BINS if high > low else 1
    # Halved first: their difference may be larger than any number.
    half = high / 2 - low / 2
    counts = [0] * bins
    for value in finite:
        place = (value / 2 - low / 2) / half * bins if half else 0
        counts[min(bins - 1, max(0, int(place)))] += 1
    most, step = max(counts), WIDTH / bins
    found = []
    for at, count in enumerate(counts):
        height = max(2.0, count / most * box_height) if count else 0.0
        found.append(
            Bin(
                low + half * (2 * at / bins),
                low + half * (2 * (at + 1) / bins),
                count,
                round(at * step, 1),
                round(box_height - height, 1),
                round(step - 1.5, 1),
                round(height, 1),
            )
        )
    return found
