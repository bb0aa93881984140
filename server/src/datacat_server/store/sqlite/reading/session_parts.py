"""What belongs to a session, some at a time: each part as lists of bounded size, in the order in which it is answered.

Between two lists the database may be looked at anew (`View.db`): what came after the first look is not in `events` and
`states`; a reading that has come since may be in `metrics`.
"""

import heapq
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from operator import itemgetter
from typing import Any, TypeVar

import msgspec
from msgspec import UNSET, Raw

from datacat_server.ingest.merge import merge
from datacat_server.model import Bucket, Event, Metric, Refusal, StateChange
from datacat_server.store.sqlite.rows.events import COLUMNS, event_of
from datacat_server.store.sqlite.rows.times import to_datetime

_AT_ONCE = 1_000
_BYTES_AT_ONCE = 512 * 1024
_FEWEST_READINGS = 8
_READINGS_AT_ONCE = 20_000
_BYTES_OF_BUCKET = 64

_strings = msgspec.json.Decoder(list[str])
_numbers = msgspec.json.Decoder(list[float])
_counts = msgspec.json.Decoder(list[int])
_object = msgspec.json.Decoder(dict[str, Any])

T = TypeVar("T")


@dataclass(slots=True)
class View:
    """What is looked at: session number `session`, up to the change `last_change` and the event `last_event`."""

    db: sqlite3.Connection
    session: int
    last_change: int
    last_event: int


def look_at(db: sqlite3.Connection, session: int) -> View:
    """The session as it is now."""
    (change,) = db.execute("SELECT max(seq) FROM state_changes WHERE session = ?", (session,)).fetchone()
    (event,) = db.execute("SELECT max(id) FROM events").fetchone()
    return View(db, session, -1 if change is None else change, event or 0)


def states(view: View) -> Iterator[list[StateChange]]:
    """Every state with the time from which it held, in the order in which the changes arrived; each by itself."""
    state: dict[str, Any] = {}
    for seq in range(view.last_change + 1):
        time, patch = view.db.execute(
            "SELECT time, patch FROM state_changes WHERE session = ? AND seq = ?", (view.session, seq)
        ).fetchone()
        state = merge(state, _object.decode(patch))
        yield [StateChange(to_datetime(time), state)]


def events(view: View) -> Iterator[list[Event]]:
    """All events, by time, then by arrival."""
    return _bounded(_events(view))


def metrics(view: View, *, vital: bool) -> Iterator[list[Metric]]:
    """The readings of gauges, timers and counters, and each histogram as it is now, by time."""
    series = view.db.execute(
        "SELECT id, name, type, unit, tags FROM series WHERE session = ? AND vital = ? AND type <> 'histogram'"
        " ORDER BY id",
        (view.session, vital),
    ).fetchall()
    histograms = view.db.execute(
        "SELECT last_time, id FROM series WHERE session = ? AND vital = ? AND type = 'histogram'"
        " ORDER BY last_time, id",
        (view.session, vital),
    ).fetchall()
    limit = max(_FEWEST_READINGS, min(_AT_ONCE, _READINGS_AT_ONCE // max(len(series), 1)))
    readings = [_points(view, place, row[0], limit) for place, row in enumerate(series)]
    ends = ((time, -1, number, 0, 0.0, None, False) for time, number in histograms)

    def found() -> Iterator[tuple[Metric, int]]:
        for time, place, number, seq, value, count, more in heapq.merge(*readings, ends, key=itemgetter(0)):
            if place < 0:
                yield _histogram(view, number)
            else:
                metadata = _metadata(view, number, time, seq) if more else None
                yield _reading(series[place], time, value, count, metadata)

    return _bounded(found())


def refusals(view: View) -> Iterator[list[Refusal]]:
    """The refusals that are kept, in the order in which they came; there are few."""
    rows = view.db.execute(
        "SELECT time, writer, ordinal, error, details FROM refusals WHERE session = ? ORDER BY id", (view.session,)
    ).fetchall()
    if rows:
        yield [
            Refusal(timestamp=to_datetime(time), writer=writer, ordinal=ordinal, error=error, details=details)
            for time, writer, ordinal, error, details in rows
        ]


READ: dict[str, Callable[[View], Iterator[list[Any]]]] = {
    "state_history": states,
    "events": events,
    "metrics": partial(metrics, vital=False),
    "vitals": partial(metrics, vital=True),
    "refused": refusals,
}
"""Each part of `model.PARTS`, in the order of the fields of `Session`."""


def buckets_of(bounds: str, buckets: str | None) -> list[Bucket]:
    """The buckets of a histogram's row, the one above all bounds last; none for another type."""
    if buckets is None:
        return []
    limits: list[float | None] = [*_numbers.decode(bounds), None]
    return [Bucket(limit, count) for limit, count in zip(limits, _counts.decode(buckets), strict=True)]


def _bounded(found: Iterable[tuple[T, int]]) -> Iterator[list[T]]:
    """Lists of what is found, each with about how many bytes it takes."""
    some: list[T] = []
    size = 0
    for item, weight in found:
        some.append(item)
        size += weight
        if len(some) >= _AT_ONCE or size >= _BYTES_AT_ONCE:
            yield some
            some, size = [], 0
    if some:
        yield some


def _events(view: View) -> Iterator[tuple[Event, int]]:
    last = (-(2**63), 0)
    while True:
        # Their places alone: of those that share an instant, the index has to be put in order each time.
        places = view.db.execute(
            "SELECT time, id FROM events WHERE session = ? AND (time, id) > (?, ?) AND id <= ?"
            f" ORDER BY time, id LIMIT {_AT_ONCE}",
            (view.session, *last, view.last_event),
        ).fetchall()
        for _, number in places:
            row = view.db.execute(f"SELECT {COLUMNS} FROM events WHERE id = ?", (number,)).fetchone()
            yield event_of(row), sum([len(text) for text in row[5:] if text])
        if len(places) < _AT_ONCE:
            return
        last = places[-1]


def _points(
    view: View, place: int, series: int, limit: int
) -> Iterator[tuple[int, int, int, int, float, int | None, bool]]:
    """The readings of a series as (time, place, series, seq, value, count, whether there is metadata), by time."""
    last = (-(2**63), 0)
    while True:
        rows = view.db.execute(
            "SELECT time, ?, series, seq, value, count, metadata IS NOT NULL FROM points"
            f" WHERE series = ? AND (time, seq) > (?, ?) ORDER BY time, seq LIMIT {limit}",
            (place, series, *last),
        ).fetchall()
        yield from rows
        if len(rows) < limit:
            return
        last = rows[-1][0], rows[-1][3]


def _metadata(view: View, series: int, time: int, seq: int) -> str:
    found: tuple[str] = view.db.execute(
        "SELECT metadata FROM points WHERE series = ? AND time = ? AND seq = ?", (series, time, seq)
    ).fetchone()
    return found[0]


def _reading(
    series: tuple[int, str, str, str | None, str], time: int, value: float, count: int | None, metadata: str | None
) -> tuple[Metric, int]:
    _, name, kind, unit, tags = series
    reading = Metric(
        timestamp=to_datetime(time),
        name=name,
        type=kind,
        value=value,
        unit=unit,
        tags=_strings.decode(tags),
        count=UNSET if count is None else count,
        metadata=Raw(metadata.encode()) if metadata else UNSET,
    )
    return reading, len(name) + len(tags) + len(metadata or "")


def _histogram(view: View, number: int) -> tuple[Metric, int]:
    time, name, total, count, unit, tags, bounds, buckets, metadata = view.db.execute(
        "SELECT last_time, name, sum, count, unit, tags, bounds, buckets, metadata FROM series WHERE id = ?", (number,)
    ).fetchone()
    histogram = Metric(
        timestamp=to_datetime(time),
        name=name,
        type="histogram",
        value=total / count,
        unit=unit,
        tags=_strings.decode(tags),
        count=count,
        sum=total,
        buckets=buckets_of(bounds, buckets),
        metadata=Raw(metadata.encode()) if metadata else UNSET,
    )
    return histogram, len(name) + len(tags) + len(metadata or "") + _BYTES_OF_BUCKET * len(histogram.buckets or ())
