"""Sessions out of the tables, whole ones."""

import sqlite3
from collections.abc import Collection
from typing import Any

import msgspec
from msgspec import UNSET, Raw

from datacat_server.model import (
    PARTS,
    Bucket,
    Metric,
    Process,
    Refusal,
    Session,
    StateChange,
    Verdict,
)
from datacat_server.store.protocol import UnknownSession
from datacat_server.store.sqlite.events import session_events
from datacat_server.store.sqlite.listing import SUMMARY, summary_fields
from datacat_server.store.sqlite.states import current_state, history
from datacat_server.store.sqlite.times import to_datetime

_LONGEST_PID = 10

_object = msgspec.json.Decoder(dict[str, Any])
_strings = msgspec.json.Decoder(list[str])
_numbers = msgspec.json.Decoder(list[float])
_counts = msgspec.json.Decoder(list[int])


def row_number(db: sqlite3.Connection, session_id: str) -> int:
    """The number of a session in the tables. Raises UnknownSession."""
    found = db.execute("SELECT id FROM sessions WHERE session_id = ?", (session_id,)).fetchone()
    if found is None:
        raise UnknownSession(session_id)
    number: int = found[0]
    return number


def read_session_token(db: sqlite3.Connection, session_id: str) -> tuple[int, int, int]:
    """What is another whenever something came in for a session. Raises UnknownSession."""
    found = db.execute("SELECT id, updated, received FROM sessions WHERE session_id = ?", (session_id,)).fetchone()
    if found is None:
        raise UnknownSession(session_id)
    token: tuple[int, int, int] = found
    return token


def read_session(db: sqlite3.Connection, session_id: str, parts: Collection[str] = PARTS) -> Session:
    """One session with the parts asked for. Raises UnknownSession."""
    row = db.execute(f"SELECT id, facts, {SUMMARY} FROM sessions WHERE session_id = ?", (session_id,)).fetchone()
    if row is None:
        raise UnknownSession(session_id)
    number, facts, *summary = row
    return Session(
        **summary_fields(summary),
        state=current_state(db, number),
        facts=_object.decode(facts),
        processes=_processes(db, number),
        verdicts=_verdicts(db, number),
        state_history=_state_history(db, number) if "state_history" in parts else UNSET,
        events=session_events(db, number) if "events" in parts else UNSET,
        metrics=_metrics(db, number, vital=False) if "metrics" in parts else UNSET,
        vitals=_metrics(db, number, vital=True) if "vitals" in parts else UNSET,
        refused=_refusals(db, number) if "refused" in parts else UNSET,
    )


def read_silent_since(db: sqlite3.Connection, before: int, product: str | None = None) -> list[str]:
    """The ids of the sessions (of a product) from which nothing came since an instant (microseconds), by our clock."""
    wanted, values = ["received < ?"], [before, product]
    if product is not None:
        wanted.append("product = ?")
    query = f"SELECT session_id FROM sessions{_where(wanted)} ORDER BY received"
    return [row[0] for row in db.execute(query, values[: len(wanted)])]


def read_running_and_silent_since(db: sqlite3.Connection, before: int) -> list[str]:
    """Of those, the ids of the sessions that run, as far as is known, and are not suspended yet."""
    rows = db.execute(
        "SELECT session_id FROM sessions WHERE status IN ('active', 'hung') AND suspended = 0 AND received < ?",
        (before,),
    )
    return [row[0] for row in rows]


def _processes(db: sqlite3.Connection, number: int) -> list[Process]:
    """Who logged into a session; that is in the names of the writers, `<pid>-...`."""
    (main,) = db.execute("SELECT pid FROM sessions WHERE id = ?", (number,)).fetchone()
    records = {} if main is None else {main: 0}
    for writer, following in db.execute("SELECT writer, next FROM writers WHERE session = ?", (number,)):
        pid, dash, _ = writer.partition("-")
        if dash and pid.isdecimal() and len(pid) <= _LONGEST_PID:
            records[int(pid)] = records.get(int(pid), 0) + following
    return [Process(pid, count) for pid, count in records.items()]


def _where(conditions: list[str]) -> str:
    return f" WHERE {' AND '.join(conditions)}" if conditions else ""


def _state_history(db: sqlite3.Connection, session: int) -> list[StateChange]:
    return [StateChange(to_datetime(time), state) for time, state in history(db, session)]


def _verdicts(db: sqlite3.Connection, session: int) -> list[Verdict]:
    rows = db.execute("SELECT status, time, reason, data FROM verdicts WHERE session = ? ORDER BY seq", (session,))
    return [
        Verdict(status=status, timestamp=to_datetime(time), reason=reason, data=_object.decode(data))
        for status, time, reason, data in rows
    ]


def _refusals(db: sqlite3.Connection, session: int) -> list[Refusal]:
    rows = db.execute(
        "SELECT time, writer, ordinal, error, details FROM refusals WHERE session = ? ORDER BY id", (session,)
    )
    return [
        Refusal(timestamp=to_datetime(time), writer=writer, ordinal=ordinal, error=error, details=details)
        for time, writer, ordinal, error, details in rows
    ]


def _metrics(db: sqlite3.Connection, session: int, *, vital: bool) -> list[Metric]:
    """The readings of gauges, timers and counters, and each histogram as it is now, by time."""
    metrics = _readings(db, session, vital) + _histograms(db, session, vital)
    metrics.sort(key=lambda metric: metric.timestamp)
    return metrics


def _readings(db: sqlite3.Connection, session: int, vital: bool) -> list[Metric]:
    series = {
        number: (name, kind, unit, _strings.decode(tags))
        for number, name, kind, unit, tags in db.execute(
            "SELECT id, name, type, unit, tags FROM series WHERE session = ? AND vital = ? AND type <> 'histogram'",
            (session, vital),
        )
    }
    metrics = []
    for number, (name, kind, unit, tags) in series.items():
        for time, value, count, metadata in db.execute(
            "SELECT time, value, count, metadata FROM points WHERE series = ? ORDER BY time, seq", (number,)
        ):
            metrics.append(
                Metric(
                    timestamp=to_datetime(time),
                    name=name,
                    type=kind,
                    value=value,
                    unit=unit,
                    tags=tags,
                    count=UNSET if count is None else count,
                    metadata=Raw(metadata.encode()) if metadata else UNSET,
                )
            )
    return metrics


def _histograms(db: sqlite3.Connection, session: int, vital: bool) -> list[Metric]:
    rows = db.execute(
        "SELECT last_time, name, sum, count, unit, tags, bounds, buckets, metadata FROM series"
        " WHERE session = ? AND vital = ? AND type = 'histogram' ORDER BY id",
        (session, vital),
    )
    return [
        Metric(
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
        for time, name, total, count, unit, tags, bounds, buckets, metadata in rows
    ]


def buckets_of(bounds: str, buckets: str | None) -> list[Bucket]:
    """The buckets of a histogram's row, the one above all bounds last; none for another type."""
    if buckets is None:
        return []
    limits: list[float | None] = [*_numbers.decode(bounds), None]
    return [Bucket(limit, count) for limit, count in zip(limits, _counts.decode(buckets), strict=True)]
