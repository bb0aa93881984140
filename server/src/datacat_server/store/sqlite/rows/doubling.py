"""Stretches of time whose length is a power of two, in microseconds: `time >> shift` is the place of one.

They are the same for everybody who looks, and when they become twice as long, two are put together and none is divided.
"""

from bisect import bisect_left
from collections.abc import Collection

LONGEST = 64
"""A shift by which there is one stretch for all times that there are."""


def doublings(places: Collection[int], most: int) -> int:
    """How often the stretches at these places have to become twice as long for at most `most` to be left."""
    if len(places) <= most:
        return 0
    return bisect_left(range(LONGEST), True, key=lambda times: len({place >> times for place in places}) <= most)
