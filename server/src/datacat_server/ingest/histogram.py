"""Histograms: bounds, and the fold of samples into buckets."""

from bisect import bisect_left
from math import isfinite

DEFAULT_BOUNDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0]
MOST_BOUNDS = 200


def check_bounds(bounds: list[float]) -> list[float]:
    """The bounds in rising order, each once. Raises ValueError for too many or ones that are not finite."""
    if len(bounds) > MOST_BOUNDS:
        raise ValueError(f"buckets: more than {MOST_BOUNDS} bounds")
    if not all(isfinite(bound) for bound in bounds):
        raise ValueError("buckets: expected finite numbers")
    return sorted(set(bounds))


def bucket_of(bounds: list[float], sample: float) -> int:
    """Which bucket counts a sample: bounds are inclusive, `len(bounds)` is the one above the last of them."""
    return bisect_left(bounds, sample)
