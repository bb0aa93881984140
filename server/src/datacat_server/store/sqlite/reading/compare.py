"""Sessions side by side. Each is read by itself, so that their states are never all in memory."""

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

import msgspec
from msgspec import Raw

from datacat_server.canonical import canonical, write_key
from datacat_server.store.comparison import MOST_ROWS, Comparison, EventRow, MetricRow, SeriesStatistics, StateRow
from datacat_server.store.sqlite.folds.states import current_state
from datacat_server.store.sqlite.reading.listing import read_summary
from datacat_server.store.sqlite.reading.read import row_number
from datacat_server.store.sqlite.rows.events import LEVELS

_MOST_PATHS = 20_000
_LONGEST_VALUE = 1_000
_LONGEST_PATH = 1_000

_strings = msgspec.json.Decoder(list[str])
_encode = msgspec.json.Encoder().encode

Row = TypeVar("Row", StateRow, MetricRow, EventRow)


def read_comparison(db: sqlite3.Connection, session_ids: Sequence[str]) -> Comparison:
    """Sessions side by side. Raises UnknownSession."""
    sessions = [row_number(db, session_id) for session_id in session_ids]
    state, state_is_cut = _states(db, sessions)
    metrics = _metrics(db, sessions)
    events = _events(db, sessions)
    return Comparison(
        sessions=[read_summary(db, session) for session in sessions],
        state=_kept(state),
        state_is_cut=state_is_cut or len(state) > MOST_ROWS,
        metrics=_kept(metrics),
        metrics_are_cut=len(metrics) > MOST_ROWS,
        events=_kept(events),
        events_are_cut=len(events) > MOST_ROWS,
    )


def _kept(rows: list[Row]) -> list[Row]:
    """As many rows as an answer may have, those that differ first; in the order in which they were."""
    if len(rows) <= MOST_ROWS:
        return rows
    chosen = sorted(range(len(rows)), key=lambda at: not rows[at].differs)[:MOST_ROWS]
    return [rows[at] for at in sorted(chosen)]


def _states(db: sqlite3.Connection, sessions: Sequence[int]) -> tuple[list[StateRow], bool]:
    """Every place in the states, and whether there were more than are looked at."""
    found: dict[str, list[tuple[int, Raw] | None]] = {}
    cut = False
    for at, session in enumerate(sessions):
        for number, (path, value) in enumerate(_leaves(current_state(db, session), "")):
            if number >= _MOST_PATHS:
                cut = True
                break
            found.setdefault(path, [None] * len(sessions))[at] = _shown(value)
    return [
        StateRow(path, any(value != values[0] for value in values), [value and value[1] for value in values])
        for path, values in sorted(found.items())
    ], cut


def _leaves(value: dict[str, Any], above: str) -> Iterator[tuple[str, Any]]:
    for key, inner in value.items():
        path = f"{above}.{write_key(key)}" if above else write_key(key)
        if isinstance(inner, dict) and inner and len(path) <= _LONGEST_PATH:
            yield from _leaves(inner, path)
        else:
            yield path[:_LONGEST_PATH], inner


def _shown(value: Any) -> tuple[int, Raw]:
    """What a value is compared by, and as what it is shown."""
    text = canonical(value)
    encoded = _encode(value)
    if len(encoded) > _LONGEST_VALUE:
        encoded = _encode(encoded[: _LONGEST_VALUE - 1].decode(errors="ignore") + "…")
    return hash(text), Raw(encoded)


def _metrics(db: sqlite3.Connection, sessions: Sequence[int]) -> list[MetricRow]:
    found: dict[tuple[Any, ...], list[SeriesStatistics | None]] = {}
    units: dict[tuple[Any, ...], str | None] = {}
    for at, session in enumerate(sessions):
        for vital, name, kind, tags, bounds, unit, count, total, least, greatest, last in db.execute(
            "SELECT vital, name, type, tags, bounds, unit, count, sum, min, max, last FROM series"
            " WHERE session = ? AND count > 0",
            (session,),
        ):
            key = (vital, name, kind, tags, bounds)
            units[key] = unit or units.get(key)
            found.setdefault(key, [None] * len(sessions))[at] = SeriesStatistics(
                count=count, mean=total / count, minimum=least, maximum=greatest, last=last
            )
    return [
        MetricRow(
            name=key[1],
            type=key[2],
            tags=_strings.decode(key[3]),
            unit=units[key],
            vital=bool(key[0]),
            differs=any(value != values[0] for value in values),
            values=values,
        )
        for key, values in sorted(found.items())
    ]


def _events(db: sqlite3.Connection, sessions: Sequence[int]) -> list[EventRow]:
    found: dict[tuple[str, int], list[int]] = {}
    for at, session in enumerate(sessions):
        for name, level, count in db.execute(
            "SELECT name, level, count FROM event_counts WHERE session = ?", (session,)
        ):
            found.setdefault((name, level), [0] * len(sessions))[at] = count
    return [
        EventRow(name=name, level=LEVELS[level], differs=len(set(counts)) > 1, counts=counts)
        for (name, level), counts in sorted(found.items())
    ]
