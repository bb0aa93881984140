"""Readings of one metric in many sessions: all of them, or as many as can be read at once, taken evenly.

All readings are thought of as one row, series after series, each by time. Of too many, blocks are read that begin at
equal distances in that row; where a block begins in its series is told by time, as if readings came evenly.
"""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from datacat_server.store.spread import READINGS

_BLOCK = 250

_numbers = msgspec.json.Decoder(list[int])
_values = msgspec.json.Decoder(list[float])


@dataclass(frozen=True)
class Sample:
    """Readings by the number of their session. `least`, `greatest`: of all of each; `readings`: of how many."""

    values: dict[int, list[float]]
    least: dict[int, float]
    greatest: dict[int, float]
    readings: int


def read_sample(db: sqlite3.Connection, condition: str, values: Sequence[object]) -> Sample:
    """Readings of the series that a condition on `series` picks."""
    columns = db.execute(
        "SELECT json_group_array(session), json_group_array(id), json_group_array(count), json_group_array(min),"
        " json_group_array(max) FROM (SELECT session, id, count, min, max FROM series INDEXED BY series_by_session"
        f" WHERE {condition})",
        values,
    ).fetchone()
    sessions, numbers, counts = (_numbers.decode(column) for column in columns[:3])
    lows, highs = (_values.decode(column) for column in columns[3:])
    sample = Sample({}, {}, {}, sum(counts))
    least, greatest = sample.least, sample.greatest
    for session, low, high in zip(sessions, lows, highs, strict=True):
        if session in least:
            low, high = min(low, least[session]), max(high, greatest[session])
        least[session], greatest[session] = low, high
    whole = []
    distance = max(1, -(-sample.readings // READINGS)) * _BLOCK
    row = 0  # how many readings stand before this series
    for session, series, count in zip(sessions, numbers, counts, strict=True):
        if distance == _BLOCK:
            whole.append(series)
            continue
        for place in range(max(0, -(-(row - _BLOCK + 1) // distance)) * distance, row + count, distance):
            begin, end = max(place - row, 0), min(place + _BLOCK - row, count)
            if end - begin == count:
                whole.append(series)
            else:
                sample.values.setdefault(session, []).extend(_block(db, series, begin / count, end - begin))
        row += count
    session_of = dict(zip(numbers, sessions, strict=True))
    for series, value in db.execute(
        "SELECT series, value FROM points WHERE series IN (SELECT value FROM json_each(?))",
        (msgspec.json.encode(whole).decode(),),
    ):
        sample.values.setdefault(session_of[series], []).append(value)
    return sample


def _block(db: sqlite3.Connection, series: int, share: float, most: int) -> list[float]:
    """Readings of a series from a share of its time on."""
    first, last = db.execute(
        "SELECT (SELECT min(time) FROM points WHERE series = ?), last_time FROM series WHERE id = ?", (series, series)
    ).fetchone()
    begin = (first or 0) + int((last - (first or 0)) * share)
    rows = db.execute(
        "SELECT value FROM points WHERE series = ? AND time >= ? ORDER BY time, seq LIMIT ?", (series, begin, most)
    )
    return [value for (value,) in rows]
