"""How the readings of a metric spread: deviation, median and quantiles, and whether they are exact or estimates.

The store folds a series into count, sum, least and greatest. What else there is to say comes from its readings, as long
as all of them are at hand; else from the ones that were kept of each stretch, or from the buckets of a histogram.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import fmean, median

from datacat_server.store.views import Series


@dataclass(frozen=True)
class Spread:
    """The deviation (of the whole population) and the median of a series' readings; not `exact`: estimated."""

    deviation: float
    median: float
    exact: bool


def spread(series: Series) -> Spread | None:
    """How a series spreads; None where there is nothing to spread: of a counter, or of a single reading."""
    if series.type == "counter" or series.count < 2:
        return None
    if series.minimum == series.maximum:
        return Spread(0.0, series.minimum, exact=True)
    if series.type == "histogram":
        return _of_buckets(series)
    if not series.values:
        return None
    readings = [(value, 1) for value in series.values]
    return Spread(_deviation(readings), median(series.values), exact=len(series.values) == series.count)


def _deviation(values: Sequence[tuple[float, int]]) -> float:
    """The standard deviation of values, each as often as it stands beside it."""
    total = sum(count for _, count in values)
    if len({value for value, _ in values}) < 2:
        return 0.0  # not what rounding makes of it
    mean = sum(value * (count / total) for value, count in values)
    # Multiplied, not raised to a power: that would be an error where the square is too large for a number.
    return sqrt(sum((value - mean) * (value - mean) * (count / total) for value, count in values))


def quantile(series: Series, share: float) -> float | None:
    """About the value below which a share of a histogram's samples lies: each bucket's are taken to be spread evenly.

    The outermost buckets reach to the least and the greatest sample. None with no samples.
    """
    seen = 0
    total = sum(bucket.count for bucket in series.buckets)
    for (low, high), bucket in zip(edges(series), series.buckets, strict=True):
        if bucket.count and seen + bucket.count >= share * total:
            return low + (high - low) * (share * total - seen) / bucket.count
        seen += bucket.count
    return None


def edges(series: Series) -> list[tuple[float, float]]:
    """Where the samples of each bucket can lie: between its bounds, and between the least and the greatest of all."""
    uppers = [series.maximum if bucket.le is None else min(bucket.le, series.maximum) for bucket in series.buckets]
    lowers = [series.minimum, *uppers[:-1]]
    return [(min(max(low, series.minimum), high), high) for low, high in zip(lowers, uppers, strict=False)]


def _of_buckets(series: Series) -> Spread | None:
    total = sum(bucket.count for bucket in series.buckets)
    middle = quantile(series, 0.5)
    if not total or middle is None:
        return None
    held = [(fmean(edge), bucket.count) for edge, bucket in zip(edges(series), series.buckets, strict=True)]
    return Spread(_deviation([(at, count) for at, count in held if count]), middle, exact=False)
