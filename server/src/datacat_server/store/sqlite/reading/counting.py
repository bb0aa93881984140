"""A session's timeline in the buckets asked for, out of the folded one and, where that is too coarse, the index.

A folded bucket that lies whole in one of those asked for is added to it. One that lies in several is counted anew, from
the index; so every count is exact. Where that would be too much work for an answer in time, in a session with a great
many events, such a bucket is added as it is to where its middle lies; the edges of the range are exact even then.
"""

import sqlite3
from bisect import bisect_left, bisect_right
from itertools import accumulate, pairwise

from datacat_server.store.sqlite.folds.timeline import CHANGES, EXCEPTIONS, buckets_between, every_count, shift_of

MOST_COUNTED = 10_000
"""Events that are counted anew for the borders between buckets, where these are no finer than the folded ones."""

_COUNTED = (
    "SELECT count(*) FILTER (WHERE level = 0), count(*) FILTER (WHERE level = 1), count(*) FILTER (WHERE level = 2),"
    " count(*) FILTER (WHERE level = 3), count(*) FILTER (WHERE level = 4), total(is_exception)"
    " FROM events WHERE session = ? AND time >= ? AND time < ?"
)
_CHANGED = "SELECT count(*) FROM state_changes WHERE session = ? AND time >= ? AND time < ? AND seq > 0"
_COLUMNS = range(CHANGES + 1)

Row = tuple[int, list[int]]
"""Place and counts of a folded bucket."""


def borders(begin: int, end: int, buckets: int) -> list[int]:
    """Where `buckets` buckets of equal length begin, between two times in microseconds, and where the last one ends."""
    return [begin - (begin - end) * number // buckets for number in range(buckets)] + [end]


def count_between(db: sqlite3.Connection, session: int, borders: list[int]) -> list[list[int]]:
    """What happened between each border (a time in microseconds) and the next: of each count one list."""
    shift = shift_of(db, session)
    if shift is None:
        found = [[0] * (len(borders) - 1) for _ in _COLUMNS]
        for time, more in every_count(db, session, borders[0], borders[-1]):
            at = bisect_right(borders, time) - 1
            for column, count in more:
                found[column][at] += count
        return found
    folded = _Folded(buckets_between(db, session, borders[0] >> shift, (borders[-1] - 1) >> shift))
    inner = [] if 1 << shift > (borders[-2] - borders[1]) // max(1, len(borders) - 3) else borders[1:-1]
    if inner and folded.events_at(_unaligned(inner, shift)) > MOST_COUNTED:
        # Each to where its middle lies; only the first and the last border are exact.
        half = 1 << shift >> 1
        middles = [folded.at(-(-(border - half) >> shift)) for border in inner]
        begins, ends = [folded.at(-(-borders[0] >> shift)), *middles], [*middles, folded.at(borders[-1] >> shift)]
        divided = folded.rows(_unaligned([borders[0], borders[-1]], shift))
    else:
        # Those that lie whole between two borders: from the first that begins at the one, up to what holds the other.
        begins = [folded.at(-(-border >> shift)) for border in borders[:-1]]
        ends = [folded.at(border >> shift) for border in borders[1:]]
        divided = folded.rows(_unaligned(borders, shift))
    spans = [(begin, max(begin, end)) for begin, end in zip(begins, ends, strict=True)]
    found = [[sums[end] - sums[begin] for begin, end in spans] for sums in folded.sums]
    for place, counts in divided:
        _divide(db, session, borders, (place << shift, (place + 1) << shift), counts, found)
    return found


def _unaligned(borders: list[int], shift: int) -> set[int]:
    """The places of the folded buckets in which borders lie."""
    return {border >> shift for border in borders if (border >> shift) << shift != border}


class _Folded:
    """Folded buckets by place. `sums`: of each count, what all before a bucket come to."""

    def __init__(self, columns: list[list[int]]) -> None:
        self._places = columns[0]
        self.sums = [list(accumulate(column, initial=0)) for column in columns[1:]]

    def at(self, place: int) -> int:
        """How many buckets are before a place."""
        return bisect_left(self._places, place)

    def rows(self, places: set[int]) -> list[Row]:
        """Those at places, where there are any."""
        return [(self._places[at], [sums[at + 1] - sums[at] for sums in self.sums]) for at in self._known(places)]

    def events_at(self, places: set[int]) -> int:
        """How many events and state changes those at places hold."""
        known = self._known(places)
        counted = [*self.sums[:EXCEPTIONS], self.sums[CHANGES]]
        return sum(sum([sums[at + 1] - sums[at] for at in known]) for sums in counted)

    def _known(self, places: set[int]) -> list[int]:
        found = ((place, self.at(place)) for place in sorted(places))
        return [at for place, at in found if at < len(self._places) and self._places[at] == place]


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
        _add(found, bisect_right(borders, left) - 1, part)


def _count(db: sqlite3.Connection, session: int, begin: int, end: int, most: list[int]) -> list[int]:
    """Counts of [begin, end); `most`: those of a stretch that holds it, of which nothing need be looked for."""
    part = [0] * (CHANGES + 1)
    if any(most[:EXCEPTIONS]):
        *levels, exceptions = db.execute(_COUNTED, (session, begin, end)).fetchone()
        part[:CHANGES] = [*levels, int(exceptions)]
    if most[CHANGES]:
        part[CHANGES] = db.execute(_CHANGED, (session, begin, end)).fetchone()[0]
    return part


def _add(found: list[list[int]], at: int, counts: list[int]) -> None:
    for column, count in zip(found, counts, strict=True):
        column[at] += count
