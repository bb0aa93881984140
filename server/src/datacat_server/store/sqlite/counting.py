"""A session's timeline in the buckets asked for, out of the folded one and, where that is too coarse, the index.

A folded bucket that lies whole in one of those asked for is added to it. One that lies in several is counted anew, from
the index; so every count is exact. Where that would be too much work for an answer in time, in a session with a great
many events, such a bucket is added as it is to where its middle lies; the edges of the range are exact even then.
"""

import sqlite3
from bisect import bisect_left, bisect_right
from itertools import pairwise

from datacat_server.store.sqlite.timeline import CHANGES, EXCEPTIONS, buckets_between, every_count, shift_of

MOST_COUNTED = 50_000
"""Events that are counted anew for the borders between buckets, where these are no finer than the folded ones."""

_COUNTED = (
    "SELECT count(*) FILTER (WHERE level = 0), count(*) FILTER (WHERE level = 1), count(*) FILTER (WHERE level = 2),"
    " count(*) FILTER (WHERE level = 3), count(*) FILTER (WHERE level = 4), total(is_exception)"
    " FROM events WHERE session = ? AND time >= ? AND time < ?"
)
_CHANGED = "SELECT count(*) FROM state_changes WHERE session = ? AND time >= ? AND time < ? AND seq > 0"

Row = tuple[int, list[int]]
"""Place and counts of a folded bucket."""


def borders(begin: int, end: int, buckets: int) -> list[int]:
    """Where `buckets` buckets of equal length begin, between two times in microseconds, and where the last one ends."""
    return [begin - (begin - end) * number // buckets for number in range(buckets)] + [end]


def count_between(db: sqlite3.Connection, session: int, borders: list[int]) -> list[list[int]]:
    """What happened between each border (a time in microseconds) and the next: a list of counts for each."""
    found = [[0] * (CHANGES + 1) for _ in borders[1:]]
    shift = shift_of(db, session)
    if shift is None:
        for time, counts in every_count(db, session, borders[0], borders[-1]):
            place = found[bisect_right(borders, time) - 1]
            for column, count in counts:
                place[column] += count
        return found
    divided = []
    for place, *counts in buckets_between(db, session, borders[0] >> shift, (borders[-1] - 1) >> shift):
        begin = place << shift
        at = bisect_right(borders, begin) - 1
        if 0 <= at < len(found) and begin + (1 << shift) <= borders[at + 1]:
            _add(found[at], counts)
        else:
            divided.append((place, counts))
    if 1 << shift <= (borders[-2] - borders[1]) // max(1, len(found) - 2):
        divided = _shared_out(borders, shift, divided, found)
    for place, counts in divided:
        _divide(db, session, borders, (place << shift, (place + 1) << shift), counts, found)
    return found


def _shared_out(borders: list[int], shift: int, divided: list[Row], found: list[list[int]]) -> list[Row]:
    """Add to where their middles lie those that would be too many to count; the ones that are left to be counted."""
    if sum(sum(counts[:EXCEPTIONS]) + counts[CHANGES] for _, counts in divided) <= MOST_COUNTED:
        return divided
    left = []
    for place, counts in divided:
        begin, end = place << shift, (place + 1) << shift
        if borders[0] <= begin and end <= borders[-1]:
            _add(found[bisect_right(borders, (begin + end) // 2) - 1], counts)
        else:
            left.append((place, counts))
    return left


def _divide(
    db: sqlite3.Connection,
    session: int,
    borders: list[int],
    stretch: tuple[int, int],
    counts: list[int],
    found: list[list[int]],
) -> None:
    """Divide the counts of a folded bucket among those that are asked for."""
    begin, end = max(stretch[0], borders[0]), min(stretch[1], borders[-1])
    cuts = [begin, *borders[bisect_right(borders, begin) : bisect_left(borders, end)], end]
    # What is left when the others are counted belongs to the last one, if it reaches to the end of the stretch.
    whole = (begin, end) == stretch
    rest = counts
    for left, right in pairwise(cuts):
        if whole and right == end:
            part = rest
        else:
            part = _count(db, session, left, right, counts)
            rest = [all_ - some for all_, some in zip(rest, part, strict=True)]
        _add(found[bisect_right(borders, left) - 1], part)


def _count(db: sqlite3.Connection, session: int, begin: int, end: int, most: list[int]) -> list[int]:
    """Counts of [begin, end); `most`: those of a stretch that holds it, of which nothing need be looked for."""
    part = [0] * (CHANGES + 1)
    if any(most[:EXCEPTIONS]):
        *levels, exceptions = db.execute(_COUNTED, (session, begin, end)).fetchone()
        part[:CHANGES] = [*levels, int(exceptions)]
    if most[CHANGES]:
        part[CHANGES] = db.execute(_CHANGED, (session, begin, end)).fetchone()[0]
    return part


def _add(counts: list[int], more: list[int]) -> None:
    for column, count in enumerate(more):
        counts[column] += count
