"""Sessions out of the tables, whole ones."""

import sqlite3
from collections.abc import Collection
from itertools import chain
from typing import Any

import msgspec

from datacat_server.model import PARTS, Process, Session, Verdict
from datacat_server.store.protocol import UnknownSession
from datacat_server.store.sqlite.folds.states import current_state
from datacat_server.store.sqlite.reading.listing import SUMMARY, summary_fields
from datacat_server.store.sqlite.reading.session_parts import READ, look_at
from datacat_server.store.sqlite.rows.times import to_datetime

_LONGEST_PID = 10

_object = msgspec.json.Decoder(dict[str, Any])


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
    view = look_at(db, number)
    some: dict[str, Any] = {part: list(chain.from_iterable(READ[part](view))) for part in parts}
    return Session(
        **summary_fields(summary),
        state=current_state(db, number),
        facts=_object.decode(facts),
        processes=_processes(db, number),
        verdicts=_verdicts(db, number),
        **some,
    )


def count_silent_since(db: sqlite3.Connection, before: int, product: str | None = None) -> int:
    """The sessions (of a product) from which nothing came since an instant (microseconds), by our clock."""
    count: int = db.execute(
        "SELECT count(*) FROM sessions WHERE received < ?1 AND (?2 IS NULL OR product = ?2)", (before, product)
    ).fetchone()[0]
    return count


def read_silent_since(
    db: sqlite3.Connection, before: int, product: str | None, after: tuple[int, int], limit: int
) -> list[tuple[str, tuple[int, int]]]:
    """The ids of those sessions behind a place, longest silent first, each with its place. The first: (-1, -1)."""
    rows = db.execute(
        "SELECT session_id, received, id FROM sessions WHERE received < ?1 AND (?2 IS NULL OR product = ?2)"
        " AND (received, id) > (?3, ?4) ORDER BY received, id LIMIT ?5",
        (before, product, *after, limit),
    )
    return [(session_id, (received, number)) for session_id, received, number in rows]


def read_running_and_silent_since(db: sqlite3.Connection, before: int, after: int, limit: int) -> list[tuple[int, str]]:
    """Of those, the sessions behind number `after` that run, as far as is known, and are not suspended yet."""
    return db.execute(
        # `+`: the few that run are found by their status, not all sessions looked through by their number.
        "SELECT id, session_id FROM sessions WHERE status IN ('active', 'hung') AND suspended = 0 AND received < ?"
        " AND +id > ? ORDER BY +id LIMIT ?",
        (before, after, limit),
    ).fetchall()


def _processes(db: sqlite3.Connection, number: int) -> list[Process]:
    """Who logged into a session; that is in the names of the writers, `<pid>-...`."""
    (main,) = db.execute("SELECT pid FROM sessions WHERE id = ?", (number,)).fetchone()
    records = {} if main is None else {main: 0}
    for writer, following in db.execute("SELECT writer, next FROM writers WHERE session = ?", (number,)):
        pid, dash, _ = writer.partition("-")
        if dash and pid.isdecimal() and len(pid) <= _LONGEST_PID:
            records[int(pid)] = records.get(int(pid), 0) + following
    return [Process(pid, count) for pid, count in records.items()]


def _verdicts(db: sqlite3.Connection, session: int) -> list[Verdict]:
    rows = db.execute("SELECT status, time, reason, data FROM verdicts WHERE session = ? ORDER BY seq", (session,))
    return [
        Verdict(status=status, timestamp=to_datetime(time), reason=reason, data=_object.decode(data))
        for status, time, reason, data in rows
    ]
