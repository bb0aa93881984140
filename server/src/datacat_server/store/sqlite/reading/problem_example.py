"""The newest time that a problem showed, as it was told: a traceback, a stack, the last lines of output."""

import sqlite3
from typing import Any

import msgspec

from datacat_server.problems.fingerprint import EXCEPTION, innermost_first
from datacat_server.store.problems import Example
from datacat_server.store.sqlite.folds.uncaught import last_output
from datacat_server.store.sqlite.rows.times import to_datetime

_MOST_LINES = 500

_object = msgspec.json.Decoder(dict[str, Any])


def read_example(db: sqlite3.Connection, problem_id: str) -> Example | None:
    """None where what told of it is gone."""
    kind, type_, session, session_id, source, last, message = db.execute(
        "SELECT p.kind, p.type, s.session, sessions.session_id, s.source, s.last, s.message FROM problem_sessions AS s"
        " JOIN problems AS p ON p.id = s.problem JOIN sessions ON sessions.id = s.session"
        " WHERE s.problem = ? ORDER BY s.last DESC, sessions.created DESC, sessions.session_id DESC LIMIT 1",
        (problem_id,),
    ).fetchone()
    lines = _traceback(db, session, source, type_)
    if not lines and kind != EXCEPTION:
        lines = _stack(db, session, source) or last_output(db, session, last)
    return Example(session_id=session_id, timestamp=to_datetime(last), message=message, lines=lines[-_MOST_LINES:])


def _traceback(db: sqlite3.Connection, session: int, time: int, type_: str) -> list[str]:
    """The lines of an exception's event."""
    for (exception,) in db.execute(
        "SELECT exception FROM events WHERE session = ? AND time = ? AND is_exception = 1", (session, time)
    ):
        said = _object.decode(exception)
        if said.get("exception_type") == type_:
            return [line for text in said.get("stacktrace") or () for line in text.splitlines()]
    return []


def _stack(db: sqlite3.Connection, session: int, time: int) -> list[str]:
    """The stack that a verdict's problem was found by."""
    for (data,) in db.execute(
        "SELECT data FROM verdicts WHERE session = ? AND time = ? AND status IN ('crashed', 'hung') ORDER BY seq DESC",
        (session, time),
    ):
        if frames := innermost_first(_object.decode(data).get("stacks")):
            return [
                f'File "{frame.get("file")}", line {frame.get("line")}, in {frame.get("function")}' for frame in frames
            ]
    return []
