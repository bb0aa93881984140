"""Histograms: bounds, and the fold of samples into buckets."""

from bisect import bisect_left
from math import isfinite

from datacat_server.ingest.records import Samples

DEFAULT_BOUNDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0]
MOST_BOUNDS = 200
LARGEST_COUNT = 2**53
_ROUNDING = 1e-9


def check_bounds(bounds: list[float]) -> list[float]:
    """The bounds in rising order, each once. Raises ValueError for too many or ones that are not finite."""
    if len(bounds) > MOST_BOUNDS:
        raise ValueError(f"buckets: more than {MOST_BOUNDS} bounds")
    if not all(isfinite(bound) for bound in bounds):
        raise ValueError("buckets: expected finite numbers")
    return sorted(set(bounds))


def check_samples(samples: Samples, bounds: list[float]) -> None:
    """Raises ValueError for folded samples that no single ones could have made."""
    if len(samples.counts) != len(bounds) + 1:
        raise ValueError(f"samples.counts: expected {len(bounds) + 1}, one more than there are buckets")
    if not all(0 <= count <= LARGEST_COUNT for count in samples.counts):
        raise ValueError(f"samples.counts: expected whole numbers from 0 to {LARGEST_COUNT}")
    if not 0 < samples.count == sum(samples.counts) <= LARGEST_COUNT:
        raise ValueError("samples.count: expected the sum of the counts, and not 0")
    if not samples.min <= samples.last <= samples.max:
        raise ValueError("samples.last: expected one between min and max")
    filled = [bucket for bucket, count in enumerate(samples.counts) if count]
    if (bucket_of(bounds, samples.min), bucket_of(bounds, samples.max)) != (filled[0], filled[-1]):
        raise ValueError("samples.counts: min and max are not in the first and the last bucket that has some")
    slack = _ROUNDING * samples.count * max(abs(samples.min), abs(samples.max))
    if not samples.min * samples.count - slack <= samples.sum <= samples.max * samples.count + slack:
        raise ValueError("samples.sum: expected count times something between min and max")


def bucket_of(bounds: list[float], sample: float) -> int:
    """Which bucket counts a sample: bounds are inclusive, `len(bounds)` is the one above the last of them."""
    return bisect_left(bounds, sample)
