"""The fold of a session's metrics as they come in: one `Fold` for each name, type, tag set and bucket set.

Counters keep their running total, histograms their buckets; every series keeps count, sum, least, greatest and last.
"""

import sqlite3
from dataclasses import dataclass, field
from math import isfinite

import msgspec

from datacat_server.ingest.histogram import bucket_of
from datacat_server.ingest.records import MetricRecord, Samples

MOST_SERIES = 10_000
_WEIGHT = 800
_WEIGHT_OF_BOUND = 50

SeriesKey = tuple[bool, str, str, tuple[str, ...], tuple[float, ...]]
"""Vital or not, name, type, tags in order, bounds of the buckets."""

Point = tuple[int, int, int, float, int | None, str | None]
"""One row of `points`: series, time, seq, value, count, metadata."""

_encode = msgspec.json.Encoder().encode
_tags = msgspec.json.Decoder(tuple[str, ...])
_bounds = msgspec.json.Decoder(tuple[float, ...])
_counts = msgspec.json.Decoder(list[int])


@dataclass(slots=True)
class Fold:
    """The statistics of one series. `buckets` has a count for each bound and one for what lies above them all."""

    row: int
    bounds: list[float] = field(default_factory=list)
    unit: str | None = None
    points: int = 0
    count: int = 0
    sum: float = 0.0
    min: float = 0.0
    max: float = 0.0
    last: float = 0.0
    last_time: int = 0
    metadata: str | None = None
    buckets: list[int] = field(default_factory=list)
    # Of the samples that came since the last point of a histogram; not kept over a commit.
    batch_count: int = 0
    batch_sum: float = 0.0

    def add(self, record: MetricRecord) -> Point | None:
        """Take in a record; the point to keep for it, which a histogram has only once a batch (`close_batch`).

        Raises ValueError, with nothing taken in, where a sum would grow beyond what a number can hold.
        """
        if record.samples is not None:
            self._add_samples(record, record.samples)
            return None
        value = self._reading(record)
        if not (isfinite(value) and isfinite(self.sum + value) and isfinite(self.batch_sum + value)):
            raise ValueError(f"{'delta' if record.value is None else 'value'}: the sum would be too large for a number")
        self.min = value if self.count == 0 else min(self.min, value)
        self.max = value if self.count == 0 else max(self.max, value)
        self.count += 1
        self.sum += value
        self.last = value
        self.last_time = max(self.last_time, record.time)
        if record.unit is not None:
            self.unit = record.unit
        metadata = bytes(record.metadata).decode() or None
        if record.type == "histogram":
            self.buckets[bucket_of(self.bounds, value)] += 1
            self.batch_count += 1
            self.batch_sum += value
            self.metadata = metadata or self.metadata
            return None
        self.points += 1
        return self.row, record.time, self.points, value, record.count, metadata

    def _add_samples(self, record: MetricRecord, samples: Samples) -> None:
        """Take in samples that were folded on their way, with the result that each by itself would have."""
        if not (isfinite(self.sum + samples.sum) and isfinite(self.batch_sum + samples.sum)):
            raise ValueError("samples.sum: the sum would be too large for a number")
        self.min = samples.min if self.count == 0 else min(self.min, samples.min)
        self.max = samples.max if self.count == 0 else max(self.max, samples.max)
        self.count += samples.count
        self.sum += samples.sum
        self.last = samples.last
        self.last_time = max(self.last_time, record.time)
        self.unit = self.unit if record.unit is None else record.unit
        self.metadata = bytes(record.metadata).decode() or self.metadata
        self.buckets = [old + new for old, new in zip(self.buckets, samples.counts, strict=True)]
        self.batch_count += samples.count
        self.batch_sum += samples.sum

    def close_batch(self) -> Point | None:
        """The point of a histogram for the samples since the last one: their mean, at the time of the newest."""
        if not self.batch_count:
            return None
        self.points += 1
        point = (self.row, self.last_time, self.points, self.batch_sum / self.batch_count, self.batch_count, None)
        self.batch_count, self.batch_sum = 0, 0.0
        return point

    def _reading(self, record: MetricRecord) -> float:
        if record.type == "counter" and record.delta is not None:
            return self.last + record.delta
        assert record.value is not None  # validate refuses a record that has neither
        return record.value


def key_of(record: MetricRecord, *, vital: bool) -> SeriesKey:
    bounds = tuple(record.buckets or ()) if record.type == "histogram" else ()
    return vital, record.name, record.type, tuple(record.tags or ()), bounds


def weight_of(key: SeriesKey) -> int:
    """About how much memory a series takes where it is remembered, in bytes."""
    return _WEIGHT + _WEIGHT_OF_BOUND * len(key[4])


def open_series(db: sqlite3.Connection, session: int, key: SeriesKey) -> Fold:
    """A new series, with its row."""
    vital, name, kind, tags, bounds = key
    row = db.execute(
        "INSERT INTO series (session, vital, name, type, tags, bounds, points, count, sum, min, max, last, last_time)"
        " VALUES (?, ?, ?, ?, ?, ?, 0, 0, 0, 0, 0, 0, 0)",
        (session, vital, name, kind, _encode(tags).decode(), _encode(bounds).decode()),
    ).lastrowid
    assert row is not None
    return Fold(row, list(bounds), buckets=[0] * (len(bounds) + 1) if kind == "histogram" else [])


_POINT = "INSERT OR FAIL INTO points (series, time, seq, value{}) VALUES "
_POINTS_AT_ONCE = [(count, _POINT.format("") + ", ".join(["(?, ?, ?, ?)"] * count)) for count in (100, 10, 1)]
_WHOLE_POINT = _POINT.format(", count, metadata") + "(?, ?, ?, ?, nullif(?, ''), nullif(?, ''))"


def insert_points(db: sqlite3.Connection, points: list[Point]) -> None:
    """Insert points. Most have neither count nor metadata, which then are not handed over (see `events.columns_of`)."""
    plain: list[float] = []
    whole: list[tuple[float | str, ...]] = []
    for point in points:
        if point[4] is None and point[5] is None:
            plain += point[:4]
        else:
            whole.append((*point[:4], "" if point[4] is None else point[4], point[5] or ""))
    begin = 0
    for count, statement in _POINTS_AT_ONCE:
        while len(plain) - begin >= 4 * count:
            db.execute(statement, plain[begin : begin + 4 * count])
            begin += 4 * count
    if whole:
        db.executemany(_WHOLE_POINT, whole)


def save_series(db: sqlite3.Connection, folds: list[Fold]) -> None:
    db.executemany(
        "UPDATE series SET unit = ?, points = ?, count = ?, sum = ?, min = ?, max = ?, last = ?, last_time = ?,"
        " metadata = ?, buckets = ? WHERE id = ?",
        [
            (f.unit, f.points, f.count, f.sum, f.min, f.max, f.last, f.last_time, f.metadata, _buckets(f), f.row)
            for f in folds
        ],
    )


def load_series(db: sqlite3.Connection, session: int) -> dict[SeriesKey, Fold]:
    """Every series of a session, as the writer keeps it."""
    series: dict[SeriesKey, Fold] = {}
    for row in db.execute(
        "SELECT id, vital, name, type, tags, bounds, unit, points, count, sum, min, max, last, last_time, metadata,"
        " buckets FROM series WHERE session = ?",
        (session,),
    ):
        number, vital, name, kind, tags, bounds, *statistics, buckets = row
        limits = _bounds.decode(bounds)
        fold = Fold(number, list(limits), *statistics)
        fold.buckets = _counts.decode(buckets) if buckets else []
        series[bool(vital), name, kind, _tags.decode(tags), limits] = fold
    return series


def _buckets(fold: Fold) -> str | None:
    return _encode(fold.buckets).decode() if fold.buckets else None
