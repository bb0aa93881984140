"""The timeline of a long session: its events and state changes, counted when they come in.

There is a row for each stretch of 2**shift microseconds in which something happened. When there are more than
MOST_BUCKETS, the stretches become twice as long, as often as it takes to come to a quarter of them: so a timeline has a
bounded size and a bounded cost. A short session has none: its index is counted as quickly.
"""

import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from datacat_server.store.sqlite.rows.doubling import doublings
from datacat_server.store.sqlite.rows.events import LEVELS, EventColumns

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

_ARRAYS = ", ".join(f"json_group_array({name})" for name in ("bucket", *_COUNTS))
# The innermost is read in the order of the primary key, and so is what is gathered from it.
_BETWEEN = "FROM (SELECT * FROM timeline_buckets WHERE session = ? AND bucket >= ? AND bucket <= ? ORDER BY bucket)"

_decode = msgspec.json.Decoder(list[int]).decode


@dataclass(slots=True)
class Timeline:
    """What the writer remembers of a session's timeline. `rows`: how many buckets there are at most."""

    shift: int
    rows: int
    newest: int


def fold_events(
    db: sqlite3.Connection,
    session: int,
    length: int,
    line: Timeline | None,
    events: EventColumns | None,
    changes: Sequence[Sequence[Any]],
) -> Timeline | None:
    """Count what a batch has added to a session, which is in the tables by now; what to remember of it.

    Args:
        length: how many events and state changes the session has.
        line: what this call gave the last time, None where that is not known.
        changes: rows of `state_changes`.
    """
    if length < FOLDED_FROM:
        return line
    line = line or _load(db, session)
    if line is None:
        return build_timeline(db, session)
    if not (added := _counted(events, changes, line.shift)):
        return line
    db.executemany(_ADD, [(session, place, *counts) for place, counts in added.items()])
    line.rows += len(added) - (line.newest in added)
    line.newest = max(added)
    if line.rows > MOST_BUCKETS:
        _widen(db, session, line)
    return line


def build_timeline(db: sqlite3.Connection, session: int) -> Timeline:
    """Make the timeline of a session that has none, from its tables."""
    buckets: Buckets = {}
    shift = 0
    happened = db.execute(
        "SELECT time, level, is_exception FROM events WHERE session = ?1"
        " UNION ALL SELECT time, ?2, 0 FROM state_changes WHERE session = ?1 AND seq > 0",
        (session, CHANGES),
    )
    while some := happened.fetchmany(FOLDED_FROM):
        if not buckets and len(times := {time for time, _, _ in some}) > MOST_BUCKETS:
            shift = doublings(times, MOST_BUCKETS // 4)  # so that none is made only to be put together
        _join(buckets, _kinds(some, shift))
        if len(buckets) > MOST_BUCKETS:
            buckets, shift = _doubled(buckets, shift)
    _replace(db, session, shift, buckets)
    return Timeline(shift, len(buckets), max(buckets, default=0))


def build_timeline_if_long(db: sqlite3.Connection, session: int) -> None:
    """Make the timeline of a session that has none, if the session is long enough for one."""
    if _is_long(db, session):
        build_timeline(db, session)


def is_sound(db: sqlite3.Connection, session: int) -> bool:
    """Whether the timeline is what the session's events and state changes come to, counted anew."""
    shift = shift_of(db, session)
    if shift is None:
        return not _is_long(db, session)
    levels = ", ".join(f"count(*) FILTER (WHERE level = {level})" for level in range(len(LEVELS)))
    counted = db.execute(
        f"SELECT time >> ?2, {levels}, sum(is_exception), count(*) FILTER (WHERE level = {CHANGES}) FROM ("
        "SELECT time, level, is_exception FROM events WHERE session = ?1 UNION ALL"
        f" SELECT time, {CHANGES}, 0 FROM state_changes WHERE session = ?1 AND seq > 0) GROUP BY 1 ORDER BY 1",
        (session, shift),
    )
    columns = f"bucket, {', '.join(_COUNTS)}"
    stored = db.execute(f"SELECT {columns} FROM timeline_buckets WHERE session = ? ORDER BY bucket", (session,))
    return counted.fetchall() == stored.fetchall()


def clear_timeline(db: sqlite3.Connection, session: int) -> None:
    """Remove a session's timeline."""
    db.execute("DELETE FROM timelines WHERE session = ?", (session,))
    db.execute("DELETE FROM timeline_buckets WHERE session = ?", (session,))


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


def buckets_between(db: sqlite3.Connection, session: int, first: int, last: int) -> list[list[int]]:
    """The buckets from one place to another, both included: their places in order, then of each count one list."""
    # An array for each column: handed over cell by cell they would take three times as long.
    row = db.execute(f"SELECT {_ARRAYS} {_BETWEEN}", (session, first, last)).fetchone()
    return [_decode(column) for column in row]


def _is_long(db: sqlite3.Connection, session: int) -> bool:
    """Counted in the tables: `event_count` may be what is to be mended."""
    (is_long,) = db.execute(
        "SELECT (SELECT count(*) FROM (SELECT 1 FROM events WHERE session = ?2 LIMIT ?1))"
        " + (SELECT coalesce(max(seq), -1) + 1 FROM state_changes WHERE session = ?2) >= ?1",
        (FOLDED_FROM, session),
    ).fetchone()
    return bool(is_long)


def _counted(events: EventColumns | None, changes: Sequence[Sequence[Any]], shift: int) -> Buckets:
    """The events and state changes of a batch, by place."""
    added: Buckets = {}
    if events is not None:
        if len(set(events.level)) == 1 and 1 not in events.is_exception:
            kinds = _alike(events.time, events.level[0], shift)
        else:
            kinds = _kinds(zip(events.time, events.level, events.is_exception, strict=True), shift)
        _join(added, kinds)
    for _, seq, time, _ in changes:
        if seq:
            added.setdefault(time >> shift, [*_NOTHING])[CHANGES] += 1
    return added


def _kinds(rows: Iterable[tuple[int, int, int]], shift: int) -> Counter[int]:
    """How many rows of time, level and is_exception are alike, as one whole number; `CHANGES` is a level here."""
    return Counter([(time >> shift) * 16 + level * 2 + is_exception for time, level, is_exception in rows])


def _alike(times: Sequence[int], level: int, shift: int) -> Counter[int]:
    """`_kinds` of events of one level, none of them an exception, as most batches have them."""
    kind = level * 2
    return Counter([(time >> shift) * 16 + kind for time in times])


def _join(buckets: Buckets, kinds: Counter[int]) -> None:
    for kind, count in kinds.items():
        if (counts := buckets.get(kind >> 4)) is None:
            counts = buckets[kind >> 4] = [*_NOTHING]
        counts[kind >> 1 & 7] += count
        if kind & 1:
            counts[EXCEPTIONS] += count


def _load(db: sqlite3.Connection, session: int) -> Timeline | None:
    shift = shift_of(db, session)
    if shift is None:
        return None
    rows, newest = db.execute(
        "SELECT count(*), max(bucket) FROM timeline_buckets WHERE session = ?", (session,)
    ).fetchone()
    return Timeline(shift, rows, newest)


def _widen(db: sqlite3.Connection, session: int, line: Timeline) -> None:
    """Put buckets together, if there really are too many."""
    places, *counts = buckets_between(db, session, -(2**63), 2**63 - 1)
    line.rows = len(places)
    if len(places) > MOST_BUCKETS:
        buckets, line.shift = _doubled(dict(zip(places, map(list, zip(*counts, strict=True)), strict=True)), line.shift)
        _replace(db, session, line.shift, buckets)
        line.rows, line.newest = len(buckets), max(buckets)


def _doubled(buckets: Buckets, shift: int) -> tuple[Buckets, int]:
    """A quarter of the buckets that there may be, or fewer, and their shift."""
    times = doublings(buckets, MOST_BUCKETS // 4)
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
