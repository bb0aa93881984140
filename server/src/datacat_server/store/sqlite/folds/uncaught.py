"""What a session crashed by, as far as its events tell: they may come before the verdict, with it, or after it."""

import sqlite3
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from datacat_server.ingest.records import EventRecord, StatusRecord

TOLD_BY_EVENTS = ("exception", "exit", None)
"""Kinds of crashes of which the events say more than the verdict."""

_MOST_LOOKED_AT = 1_000
_LAST_EVENTS = 50
_PRINTED_WITHIN = 60_000_000  # microseconds: the parent of a program says what it printed after it has ended

_object = msgspec.json.Decoder(dict[str, Any])


def uncaught_by(db: sqlite3.Connection, session: int, verdict: StatusRecord) -> EventRecord | None:
    """The exception that nothing caught: the newest before the verdict, of its type where it names one.

    Of a type that was only logged with later times, because the clock was set, the first of these. A verdict that says
    nothing is of an exception if that was the last event before it.
    """
    data = verdict.data or {}
    match data.get("kind"):
        case "exception":
            type_ = data.get("exception_type")
            before = _newest(db, session, type_, verdict.time)
            return before or next(exceptions_from(db, session, verdict.time, type_), None)
        case None:
            found = _newest(db, session, None, verdict.time)
            return None if found is None or _went_on(db, session, found.time, verdict.time) else found
        case _:
            return None


def exceptions_from(db: sqlite3.Connection, session: int, begin: int, type_: object) -> Iterator[EventRecord]:
    """The first exceptions of a type, or of any, from a time on."""
    rows = db.execute(
        "SELECT time, name, exception FROM events WHERE session = ? AND is_exception = 1 AND time >= ?"
        " ORDER BY time, id LIMIT ?",
        (session, begin, _MOST_LOOKED_AT),
    )
    return _of_type(rows, type_)


def crash_verdict(db: sqlite3.Connection, session: int, time: int) -> StatusRecord | None:
    """The verdict of a time that a session has crashed."""
    found = db.execute(
        "SELECT reason, data FROM verdicts WHERE session = ? AND time = ? AND status = 'crashed' ORDER BY seq LIMIT 1",
        (session, time),
    ).fetchone()
    if found is None:
        return None
    return StatusRecord(time=time, status="crashed", reason=found[0], data=_object.decode(found[1]))


def last_output(db: sqlite3.Connection, session: int, ended: int) -> list[str]:
    """The last lines of a program under `datacat run` that ended then, if they were captured."""
    found = db.execute(
        "SELECT data FROM (SELECT name, data FROM events WHERE session = ? AND time <= ? ORDER BY time DESC LIMIT ?)"
        " WHERE name = 'program_finished' AND data IS NOT NULL LIMIT 1",
        (session, ended + _PRINTED_WITHIN, _LAST_EVENTS),
    ).fetchone()
    lines = _object.decode(found[0]).get("output_tail") if found else None
    return [line for line in lines if isinstance(line, str)] if isinstance(lines, list) else []


def exception_of(time: int, name: str, exception: str) -> EventRecord:
    """An exception out of its row."""
    return msgspec.convert(_object.decode(exception) | {"kind": "event", "time": time, "name": name}, EventRecord)


def _newest(db: sqlite3.Connection, session: int, type_: object, until: int) -> EventRecord | None:
    rows = db.execute(
        "SELECT time, name, exception FROM events WHERE session = ? AND is_exception = 1 AND time <= ?"
        " ORDER BY time DESC, id DESC LIMIT ?",
        (session, until, _MOST_LOOKED_AT),
    )
    return next(_of_type(rows, type_), None)


def _of_type(rows: Iterable[Any], type_: object) -> Iterator[EventRecord]:
    exceptions = (exception_of(*row) for row in rows)
    return (one for one in exceptions if type_ in (None, one.exception_type))


def _went_on(db: sqlite3.Connection, session: int, after: int, until: int) -> bool:
    later = "SELECT 1 FROM events WHERE session = ? AND time > ? AND time <= ? AND name <> ? LIMIT 1"
    return db.execute(later, (session, after, until, "session_crashed_detected")).fetchone() is not None
