"""Folds of long sessions that are kept between two readings of the same page, so that a live page reads what is new.

A fold has a bucket for each stretch of time. The last buckets are read again each time, the ones before are kept;
whether they still hold is told by a count that the writer keeps: when it differs, everything is folded anew. When the
stretches become twice as long, buckets are put together in pairs.
"""

import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

_READ_AGAIN = 2  # buckets at the end, where writers with different clocks may still add something
_MOST_TIMELINES = 64
_MOST_COURSES = 512

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


@dataclass(slots=True)
class _Slot(Generic[V]):
    lock: threading.Lock = field(default_factory=threading.Lock)
    value: V | None = None


class _Recent(Generic[K, V]):
    """The most recently used values; each is worked on by one thread at a time."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._slots: OrderedDict[K, _Slot[V]] = OrderedDict()
        self._lock = threading.Lock()

    def slot(self, key: K) -> _Slot[V]:
        with self._lock:
            slot = self._slots.setdefault(key, _Slot())
            self._slots.move_to_end(key)
            if len(self._slots) > self._most:
                self._slots.popitem(last=False)
            return slot


@dataclass(slots=True)
class Counts:
    """Events by (bucket, level, is_exception) and state changes by bucket; times in microseconds."""

    begin: int
    width: int
    buckets: int
    events: dict[tuple[int, int, int], int] = field(default_factory=dict)
    changes: dict[int, int] = field(default_factory=dict)


@dataclass(slots=True)
class Stretch:
    """The readings of one stretch of a series: how many, of how many iterations, and the least and the greatest.

    Both of these as (value, time, seq).
    """

    count: int
    iterations: int
    least: tuple[float, int, int]
    greatest: tuple[float, int, int]


@dataclass(slots=True)
class _Course:
    begin: int
    width: int
    stretches: dict[int, Stretch] = field(default_factory=dict)


class Folds:
    """What is remembered of one file's timelines and courses. Every call is safe from any thread."""

    def __init__(self) -> None:
        self._timelines: _Recent[int, Counts] = _Recent(_MOST_TIMELINES)
        self._courses: _Recent[int, _Course] = _Recent(_MOST_COURSES)

    def counts(self, db: sqlite3.Connection, session: int, begin: int, width: int, buckets: int) -> Counts:
        """A session's events and state changes in `buckets` buckets; what lies outside is in the first or last."""
        slot = self._timelines.slot(session)
        with slot.lock:
            kept = _shortened(slot.value, begin, width, buckets)
            found = _count(db, session, kept)
            if kept.events and not _complete(db, session, found):
                found = _count(db, session, Counts(begin, width, buckets))
            slot.value = found
            return found

    def course(
        self, db: sqlite3.Connection, series: int, count: int, points: int
    ) -> tuple[list[tuple[int, float]], int]:
        """At most `points` of `count` readings as (microseconds, value): least and greatest of each stretch.

        And the iterations that all readings were.
        """
        first = _one(db, "SELECT min(time) FROM points WHERE series = ?", series)
        last = _one(db, "SELECT max(time) FROM points WHERE series = ?", series)
        width = power_of_two((last - first) // max(1, points // 2) + 1)
        slot = self._courses.slot(series)
        with slot.lock:
            kept = _trimmed(slot.value, first, width)
            found = _stretches(db, series, kept)
            if kept.stretches and sum(stretch.count for stretch in found.stretches.values()) != count:
                found = _stretches(db, series, _Course(first, width))
            slot.value = found
            extremes = {end for stretch in found.stretches.values() for end in (stretch.least, stretch.greatest)}
            course = [(time, value) for value, time, _ in sorted(extremes, key=lambda end: end[1:])]
            return course, sum(stretch.iterations for stretch in found.stretches.values())


def power_of_two(least: int) -> int:
    """The smallest power of two that is not below `least`: a width that can double without losing its buckets."""
    return 1 << max(0, least - 1).bit_length()


def _doublings(old: int, new: int) -> int | None:
    """How often `old` was doubled to become `new`, None where it was not."""
    times = (new // old).bit_length() - 1 if new >= old else -1
    return times if times >= 0 and old << times == new else None


def _shortened(cached: Counts | None, begin: int, width: int, buckets: int) -> Counts:
    """What can be kept of earlier counts, in the wanted width, without the buckets to be read again."""
    wanted = Counts(begin, width, buckets)
    shift = None if cached is None or cached.begin != begin else _doublings(cached.width, width)
    if cached is None or shift is None or buckets < cached.buckets >> shift:
        return wanted
    sure = (cached.buckets >> shift) - _READ_AGAIN
    for (bucket, level, exception), count in cached.events.items():
        if bucket >> shift < sure:
            key = (bucket >> shift, level, exception)
            wanted.events[key] = wanted.events.get(key, 0) + count
    for bucket, count in cached.changes.items():
        if bucket >> shift < sure:
            wanted.changes[bucket >> shift] = wanted.changes.get(bucket >> shift, 0) + count
    return wanted


def _count(db: sqlite3.Connection, session: int, kept: Counts) -> Counts:
    """Counts with what was not kept read from the tables."""
    begin = max((bucket for bucket, _, _ in kept.events), default=-1) + 1
    values = {"session": session, "begin": kept.begin, "width": kept.width, "last": kept.buckets - 1}
    values["from"] = kept.begin + begin * kept.width if begin else -(2**63)
    bucket = "min(max(time - :begin, 0) / :width, :last)"
    found = Counts(kept.begin, kept.width, kept.buckets, dict(kept.events))
    for at, level, exception, count in db.execute(
        f"SELECT {bucket} AS bucket, level, is_exception, count(*) FROM events"
        " WHERE session = :session AND time >= :from GROUP BY bucket, level, is_exception",
        values,
    ):
        found.events[at, level, exception] = count
    found.changes = {at: count for at, count in kept.changes.items() if at < begin}
    found.changes.update(
        db.execute(
            f"SELECT {bucket} AS bucket, count(*) FROM state_changes"
            " WHERE session = :session AND time >= :from AND seq > 0 GROUP BY bucket",
            values,
        ).fetchall()
    )
    return found


def _complete(db: sqlite3.Connection, session: int, found: Counts) -> bool:
    events = _one(db, "SELECT event_count FROM sessions WHERE id = ?", session)
    changes = _one(db, "SELECT coalesce(max(seq), 0) FROM state_changes WHERE session = ?", session)
    return (sum(found.events.values()), sum(found.changes.values())) == (events, changes)


def _trimmed(cached: _Course | None, begin: int, width: int) -> _Course:
    wanted = _Course(begin, width)
    shift = None if cached is None or cached.begin != begin else _doublings(cached.width, width)
    if cached is None or shift is None:
        return wanted
    sure = (max(cached.stretches, default=0) >> shift) + 1 - _READ_AGAIN
    for place, stretch in cached.stretches.items():
        if (target := place >> shift) < sure:
            other = wanted.stretches.get(target)
            wanted.stretches[target] = stretch if other is None else _joined(other, stretch)
    return wanted


def _joined(one: Stretch, other: Stretch) -> Stretch:
    return Stretch(
        one.count + other.count,
        one.iterations + other.iterations,
        min(one.least, other.least),
        max(one.greatest, other.greatest),
    )


def _stretches(db: sqlite3.Connection, series: int, kept: _Course) -> _Course:
    begin = max(kept.stretches, default=-1) + 1
    found = _Course(kept.begin, kept.width, dict(kept.stretches))
    values = (kept.begin, kept.width, series, kept.begin + begin * kept.width)
    # SQLite gives the other columns of the row that holds the extreme (its documentation of bare columns).
    query = (
        "SELECT (time - ?) / ? AS stretch, count(*), total(coalesce(count, 1)), {extreme}(value), time, seq FROM points"
        " WHERE series = ? AND time >= ? GROUP BY stretch"
    )
    greatest = {row[0]: row[3:] for row in db.execute(query.format(extreme="max"), values)}
    for place, count, iterations, *least in db.execute(query.format(extreme="min"), values):
        found.stretches[place] = Stretch(count, int(iterations), (least[0], least[1], least[2]), greatest[place])
    return found


def _one(db: sqlite3.Connection, query: str, value: int) -> int:
    found: int = db.execute(query, (value,)).fetchone()[0]
    return found
