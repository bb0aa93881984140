"""How numbers are cut into bins: at round places, of equal width or of equal ratio."""

import math
import sys
from bisect import bisect_left
from collections.abc import Sequence
from itertools import pairwise

from msgspec import Struct

BINS = 40
"""About so many bins; a few more or fewer where that makes their edges round."""

_STEPS = (1.0, 2.0, 5.0, 10.0)
_PER_DECADE = (20, 10, 5, 2, 1)
_SPAN_OF_LOG = 30.0


class Bin(Struct, frozen=True):
    """`count` values from `low` up to `high`, which is not included; but the last bin of all holds its `high`."""

    low: float
    high: float
    count: int


def is_log_better(ordered: Sequence[float]) -> bool:
    """Whether values in rising order, all above zero, reach so far that most would fall into the first bins."""
    low, high = ordered[0], ordered[-1]
    middle = ordered[len(ordered) // 2]
    return len(ordered) > 3 and low > 0 and high / low > _SPAN_OF_LOG and high / middle > _SPAN_OF_LOG / 2


def bins(ordered: Sequence[float], *, log: bool) -> list[Bin]:
    """Bins that cover values in rising order; one for values that are all the same."""
    if not ordered:
        return []
    low, high = ordered[0], ordered[-1]
    edges = _edges_of_ratio(low, high) if log and low > 0 else _edges(low, high)
    places = [bisect_left(ordered, edge) for edge in edges[:-1]] + [len(ordered)]
    return [
        Bin(low, high, end - begin)
        for low, high, begin, end in zip(edges[:-1], edges[1:], places[:-1], places[1:], strict=True)
    ]


def step_for(span: float, parts: int) -> float:
    """The least round number (1, 2 or 5 times a power of ten) of which no more than `parts` cover a span."""
    power = 10.0 ** math.floor(math.log10(span / parts))
    return next((power * factor for factor in _STEPS if power * factor * parts >= span), power * 10)


def _edges(low: float, high: float) -> list[float]:
    span = high - low
    if low == high:
        return [low, high]
    if not math.isfinite(span) or span / BINS < 1e-300:
        # Halved first: their difference may be larger than any number, and a tenth of it no number any more.
        return [low * (1 - at / BINS) + high * (at / BINS) for at in range(BINS)] + [high]
    step = step_for(span, BINS)
    first, last = math.floor(low / step), math.ceil(high / step)
    edges = [_round(at * step, step) for at in range(first, last + 1)]
    # What was lost in dividing; and the greatest lies in a bin like all others, not on its edge.
    if edges[0] > low:
        edges.insert(0, _round((first - 1) * step, step))
    if edges[-1] <= high:
        edges.append(_round((last + 1) * step, step))
    # Numbers so close to each other that nothing lies between the edges.
    return edges if all(a < b for a, b in pairwise(edges)) else [low, high]


def _edges_of_ratio(low: float, high: float) -> list[float]:
    if low == high:
        return [low, high]
    decades = math.log10(high) - math.log10(low)
    parts = next((each for each in _PER_DECADE if decades * each <= BINS * 1.25), 1 / math.ceil(decades / BINS))
    first, last = math.floor(math.log10(low) * parts), math.floor(math.log10(high) * parts) + 1
    edges = [10.0 ** (at / parts) for at in range(first, last + 1) if -323 < at / parts < 308]
    if not edges or edges[0] > low:
        edges.insert(0, low)
    if edges[-1] < high:
        edges.append(high)
    return edges


def _round(value: float, step: float) -> float:
    """Without the noise of a product: 0.3 and not 0.30000000000000004; and never beyond what a number can hold."""
    value = min(max(value, -sys.float_info.max), sys.float_info.max)
    digits = -math.floor(math.log10(step))
    return round(value, digits) if -300 < digits < 300 else value
