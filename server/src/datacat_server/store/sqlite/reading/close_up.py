"""The course of metrics in a part of a session's time: every reading while there are few, else mean, least and
greatest of each bucket.

What is read is bounded: of a part with more than MOST_READ readings, some of each bucket are read, and what was folded
as they came in has the least and the greatest, at their own times: peaks and dips stay where they were.
"""

import sqlite3
from collections.abc import Iterator
from datetime import datetime

import msgspec

from datacat_server.store.sqlite.folds.courses import FOLDED_FROM
from datacat_server.store.sqlite.reading.views import series_condition
from datacat_server.store.sqlite.rows.times import to_microseconds
from datacat_server.store.views import CloseUp, MetricFilter

MOST_READ = 20_000
"""A series' readings in the part of the time that are looked at: about 10 ms."""

_strings = msgspec.json.Decoder(list[str])

Reading = tuple[int, float, float, float]
"""Time in microseconds; mean, least, greatest."""


def read_close_ups(
    db: sqlite3.Connection, session: int, wanted: MetricFilter, start: datetime, end: datetime, buckets: int, limit: int
) -> list[CloseUp]:
    """The series that are meant between two instants, in at most `buckets` stretches each, and one reading beyond."""
    condition, values = series_condition(wanted)
    first, last = to_microseconds(start), max(to_microseconds(end), to_microseconds(start) + 1)
    return [
        _close_up(db, row, first, last, buckets)
        for row in db.execute(
            "SELECT id, name, type, unit, tags, vital, points, min, max FROM series"
            f" WHERE session = ? AND {condition} AND type <> 'histogram' ORDER BY vital, name, tags, id LIMIT ?",
            (session, *values, limit),
        ).fetchall()
    ]


def _close_up(
    db: sqlite3.Connection,
    row: tuple[int, str, str, str | None, str, int, int, float, float],
    first: int,
    last: int,
    buckets: int,
) -> CloseUp:
    series, name, kind, unit, tags, vital, points, low, high = row
    readings = [*_beyond(db, series, first, "<", "DESC")]
    if points < FOLDED_FROM or _few(db, series, first, last, buckets):
        within = _single(db, series, first, last)
    elif kind == "counter":
        within = _totals(db, series, first, last, _width(first, last, buckets))
    elif _folded(db, series, first, last) > MOST_READ:
        within = _sampled(db, series, first, last, _width(first, last, buckets))
    else:
        within = _means(db, series, first, last, _width(first, last, buckets))
    readings += [*within, *_beyond(db, series, last, ">=", "ASC")]
    sooner, later = db.execute("SELECT min(time), max(time) FROM points WHERE series = ?", (series,)).fetchone()
    return CloseUp(
        name=name,
        type=kind,
        unit=unit,
        tags=_strings.decode(tags),
        vital=bool(vital),
        minimum=low,
        maximum=high,
        apart=(later - sooner) / 1_000_000 / max(1, points - 1) if points else 0.0,
        times=[time / 1_000_000 for time, *_ in readings],
        values=[mean for _, mean, _, _ in readings],
        lows=[least for _, _, least, _ in readings],
        highs=[greatest for *_, greatest in readings],
    )


def _beyond(db: sqlite3.Connection, series: int, edge: int, side: str, order: str) -> Iterator[Reading]:
    """The reading next to an edge of the part, from where or to where its first or last line goes."""
    for time, value in db.execute(
        f"SELECT time, value FROM points WHERE series = ? AND time {side} ? ORDER BY time {order}, seq {order} LIMIT 1",
        (series, edge),
    ):
        yield time, value, value, value


def _few(db: sqlite3.Connection, series: int, first: int, last: int, most: int) -> bool:
    (more,) = db.execute(
        "SELECT count(*) FROM (SELECT 1 FROM points WHERE series = ? AND time >= ? AND time < ? LIMIT ?)",
        (series, first, last, most + 1),
    ).fetchone()
    return bool(more <= most)


def _single(db: sqlite3.Connection, series: int, first: int, last: int) -> Iterator[Reading]:
    for time, value in db.execute(
        "SELECT time, value FROM points WHERE series = ? AND time >= ? AND time < ? ORDER BY time, seq",
        (series, first, last),
    ):
        yield time, value, value, value


def _width(first: int, last: int, buckets: int) -> int:
    """A power of two: buckets at its multiples stay where they are while the part moves."""
    return 1 << max(0, -(-(last - first) // max(1, buckets)) - 1).bit_length()


def _means(db: sqlite3.Connection, series: int, first: int, last: int, width: int) -> Iterator[Reading]:
    """Each bucket with readings, at the middle of these."""
    yield from db.execute(
        "SELECT (min(time) + max(time)) / 2, avg(value), min(value), max(value) FROM points"
        " WHERE series = ? AND time >= ? AND time < ? GROUP BY time / ? ORDER BY 1",
        (series, first, last, width),
    )


def _totals(db: sqlite3.Connection, series: int, first: int, last: int, width: int) -> Iterator[Reading]:
    """The last running total of each bucket, when it was reached."""
    for begin in range(first // width * width, last, width):
        for time, total in db.execute(
            "SELECT time, value FROM points WHERE series = ? AND time >= ? AND time < ?"
            " ORDER BY time DESC, seq DESC LIMIT 1",
            (series, max(first, begin), min(last, begin + width)),
        ):
            yield time, total, total, total


def _sampled(db: sqlite3.Connection, series: int, first: int, last: int, width: int) -> Iterator[Reading]:
    """Each bucket by its first readings and by what of the folded extremes lies in it."""
    extremes: dict[int, list[float]] = {}
    for time, value in _extremes(db, series, first, last):
        extremes.setdefault(time // width, []).append(value)
    each = MOST_READ // max(1, (last - first) // width)
    for bucket in range(first // width, -(-last // width)):
        begin, end = max(first, bucket * width), min(last, (bucket + 1) * width)
        middle, mean, least, greatest = db.execute(
            "SELECT (min(time) + max(time)) / 2, avg(value), min(value), max(value) FROM"
            " (SELECT time, value FROM points WHERE series = ? AND time >= ? AND time < ? LIMIT ?)",
            (series, begin, end, each),
        ).fetchone()
        if middle is not None:
            ends = (least, greatest, *extremes.get(bucket, ()))
            yield middle, mean, min(ends), max(ends)


def _shift(db: sqlite3.Connection, series: int) -> int | None:
    found = db.execute("SELECT shift FROM courses WHERE series = ?", (series,)).fetchone()
    return None if found is None else int(found[0])


def _folded(db: sqlite3.Connection, series: int, first: int, last: int) -> int:
    """About how many readings there are, by the folded stretches; 0 where nothing is folded."""
    shift = _shift(db, series)
    if shift is None:
        return 0
    count: int = db.execute(
        "SELECT coalesce(sum(count), 0) FROM course_stretches WHERE series = ? AND stretch BETWEEN ? AND ?",
        (series, first >> shift, last >> shift),
    ).fetchone()[0]
    return count


def _extremes(db: sqlite3.Connection, series: int, first: int, last: int) -> Iterator[tuple[int, float]]:
    """The least and the greatest of each folded stretch, with their times."""
    shift = _shift(db, series) or 0
    for row in db.execute(
        "SELECT least_time, least, greatest_time, greatest FROM course_stretches"
        " WHERE series = ? AND stretch BETWEEN ? AND ?",
        (series, first >> shift, last >> shift),
    ):
        for time, value in (row[:2], row[2:]):
            if first <= time < last:
                yield time, value
