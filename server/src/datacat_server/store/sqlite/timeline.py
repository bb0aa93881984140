"""The timeline of a long session: its events and state changes, counted when they come in.

There is a row for each stretch of 2**shift microseconds in which something happened. When there are more than
MOST_BUCKETS, the stretches become twice as long, as often as it takes to halve them, so a timeline has a bounded size
and a bounded cost. A short session has none: its index is counted as quickly.
"""

import sqlite3
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from datacat_server.store.sqlite.doubling import doublings
from datacat_server.store.sqlite.events import LEVELS, EventColumns
from datacat_server.store.sqlite.pending import Pending

if TYPE_CHECKING:
    from datacat_server.store.sqlite.live import LiveSession

FOLDED_FROM = 10_000
"""A session with fewer events and state changes has no timeline."""
MOST_BUCKETS = 8_192

EXCEPTIONS = len(LEVELS)
CHANGES = EXCEPTIONS + 1
"""Where the counts of a bucket hold exceptions and state changes; before these stand the levels, from the lowest."""

Buckets = dict[int, list[int]]
"""Counts by place."""

_COUNTS = (*LEVELS, "exceptions", "changes")
_NOTHING = [0] * len(_COUNTS)
_ADD = (
    f"INSERT INTO timeline_buckets (session, bucket, {', '.join(_COUNTS)}) VALUES (?, ?{', ?' * len(_COUNTS)})"
    " ON CONFLICT (session, bucket) DO UPDATE SET "
) + ", ".join(f"{name} = {name} + excluded.{name}" for name in _COUNTS)


@dataclass(slots=True)
class Timeline:
    """What the writer remembers of a session's timeline. `rows`: how many buckets there are at most."""

    shift: int
    rows: int
    newest: int


def fold_events(db: sqlite3.Connection, session: "LiveSession", pending: Pending) -> None:
    """Count what a batch has added to a session, which is in the tables by now."""
    if session.event_count + session.states.next_seq < FOLDED_FROM:
        return
    if session.timeline is None:
        session.timeline = _load(db, session.row)
        if session.timeline is None:
            session.timeline = build_timeline(db, session.row)
            return
    line = session.timeline
    if not (added := _counted(pending, line.shift)):
        return
    db.executemany(_ADD, [(session.row, place, *counts) for place, counts in added.items()])
    line.rows += len(added) - (line.newest in added)
    line.newest = max(added)
    if line.rows > MOST_BUCKETS:
        _widen(db, session.row, line)


def build_timeline(db: sqlite3.Connection, session: int) -> Timeline:
    """Make the timeline of a session that has none, from its tables."""
    buckets: Buckets = {}
    shift = 0
    for time, counts in every_count(db, session, 0, 2**63 - 1):
        if (found := buckets.get(time >> shift)) is None:
            if len(buckets) >= MOST_BUCKETS:
                buckets, shift = _doubled(buckets, shift)
            found = buckets.setdefault(time >> shift, [*_NOTHING])
        for column, count in counts:
            found[column] += count
    _replace(db, session, shift, buckets)
    return Timeline(shift, len(buckets), max(buckets, default=0))


def build_timelines(db: sqlite3.Connection) -> None:
    """Make the timelines of all sessions that are long enough."""
    long = db.execute(
        "SELECT id FROM sessions WHERE event_count + (SELECT coalesce(max(seq), -1) + 1 FROM state_changes"
        " WHERE session = sessions.id) >= ?",
        (FOLDED_FROM,),
    ).fetchall()
    for (session,) in long:
        build_timeline(db, session)


def every_count(
    db: sqlite3.Connection, session: int, begin: int, end: int
) -> Iterator[tuple[int, list[tuple[int, int]]]]:
    """All that happened in [begin, end), from the indexes: its time, and by how much which counts grow."""
    for time, level, is_exception, count in db.execute(
        "SELECT time, level, is_exception, count(*) FROM events WHERE session = ? AND time >= ? AND time < ?"
        " GROUP BY time, level, is_exception",
        (session, begin, end),
    ):
        yield time, [(level, count), (EXCEPTIONS, count)] if is_exception else [(level, count)]
    # The first change is what the session begins with.
    for (time,) in db.execute(
        "SELECT time FROM state_changes WHERE session = ? AND time >= ? AND time < ? AND seq > 0", (session, begin, end)
    ):
        yield time, [(CHANGES, 1)]


def shift_of(db: sqlite3.Connection, session: int) -> int | None:
    """The shift of a session's timeline, None where it has none."""
    found = db.execute("SELECT shift FROM timelines WHERE session = ?", (session,)).fetchone()
    return None if found is None else int(found[0])


def buckets_between(db: sqlite3.Connection, session: int, first: int, last: int) -> sqlite3.Cursor:
    """The place and the counts of every bucket from one place to another, both included."""
    return db.execute(
        f"SELECT bucket, {', '.join(_COUNTS)} FROM timeline_buckets WHERE session = ? AND bucket >= ? AND bucket <= ?"
        " ORDER BY bucket",
        (session, first, last),
    )


def _counted(pending: Pending, shift: int) -> Buckets:
    """The events and state changes of a batch, by place."""
    added: Buckets = {}
    for kind, count in _kinds(pending.events, shift).items():
        counts = added.setdefault(kind >> 4, [*_NOTHING])
        counts[kind >> 1 & 7] += count
        if kind & 1:
            counts[EXCEPTIONS] += count
    for _, seq, time, _ in pending.state_changes:
        if seq:
            added.setdefault(time >> shift, [*_NOTHING])[CHANGES] += 1
    return added


def _kinds(events: EventColumns | None, shift: int) -> Counter[int]:
    """How many events there are of each place, level and exceptional or not, as one whole number."""
    if events is None:
        return Counter()
    rows = zip(events.time, events.level, events.is_exception, strict=True)
    return Counter([(time >> shift) * 16 + level * 2 + is_exception for time, level, is_exception in rows])


def _load(db: sqlite3.Connection, session: int) -> Timeline | None:
    shift = shift_of(db, session)
    if shift is None:
        return None
    rows, newest = db.execute(
        "SELECT count(*), max(bucket) FROM timeline_buckets WHERE session = ?", (session,)
    ).fetchone()
    return Timeline(shift, rows, newest)


def _widen(db: sqlite3.Connection, session: int, line: Timeline) -> None:
    """Halve the buckets, if there really are too many."""
    rows = buckets_between(db, session, -(2**63), 2**63 - 1).fetchall()
    line.rows = len(rows)
    if len(rows) > MOST_BUCKETS:
        buckets, line.shift = _doubled({place: counts for place, *counts in rows}, line.shift)
        _replace(db, session, line.shift, buckets)
        line.rows, line.newest = len(buckets), max(buckets)


def _doubled(buckets: Buckets, shift: int) -> tuple[Buckets, int]:
    """Half as many buckets, or fewer, and their shift."""
    times = doublings(buckets, MOST_BUCKETS // 2)
    wider: Buckets = {}
    for place, counts in buckets.items():
        if (other := wider.get(place >> times)) is None:
            wider[place >> times] = counts
        else:
            wider[place >> times] = [one + more for one, more in zip(other, counts, strict=True)]
    return wider, shift + times


def _replace(db: sqlite3.Connection, session: int, shift: int, buckets: Buckets) -> None:
    db.execute("INSERT OR REPLACE INTO timelines VALUES (?, ?)", (session, shift))
    db.execute("DELETE FROM timeline_buckets WHERE session = ?", (session,))
    db.executemany(_ADD, [(session, place, *counts) for place, counts in buckets.items()])
