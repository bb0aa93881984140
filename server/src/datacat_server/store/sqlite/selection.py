"""A filter as a condition of SQL, for every query over sessions: `... FROM sessions WHERE {condition}`."""

import sqlite3
from collections.abc import Sequence
from typing import Any

import msgspec

from datacat_server.canonical import canonical
from datacat_server.filters import Filter, Relation, StateCondition
from datacat_server.store.sqlite.search_terms import ELEMENT, EVERY_PATH, VALUE, term
from datacat_server.store.sqlite.session_text import folded
from datacat_server.store.sqlite.times import to_microseconds

# `ever_hung` is in each of them because their index has only sessions with it.
_EVER = "sessions.ever_hung = 1"
_STATUS = {
    "ever_hung": _EVER,
    "hung_recovered": f"{_EVER} AND sessions.hung = 0",
    "hung_ended": f"{_EVER} AND sessions.hung = 1 AND sessions.ended IS NOT NULL AND sessions.crashed = 0",
    "hung_crashed": f"{_EVER} AND sessions.hung = 1 AND sessions.crashed = 1",
}


MANY = 2_000
"""So many sessions are rather asked one by one whether they are meant than listed."""

_SHORTEST_INDEXED = 3


def selection(wanted: Filter, db: sqlite3.Connection | None = None) -> tuple[str, list[Any]]:
    """The condition on the table `sessions` that holds of the sessions meant, and the values of its marks (`?`).

    With a connection it is one for a query that stops early: of a text or a state that many sessions have, no list is
    made first. Without, it is one for a query that reads all sessions meant.
    """
    conditions: list[str] = []
    values: list[Any] = []

    def hold(condition: str, *of: Any) -> None:
        conditions.append(condition)
        values.extend(of)

    if wanted.product is not None:
        hold("sessions.product = ?", wanted.product)
    if wanted.version is not None:
        hold("sessions.version = ?", wanted.version)
    if wanted.machine is not None:
        hold("(sessions.machine_id = ? OR sessions.hostname = ?)", wanted.machine, wanted.machine)
    if wanted.status is not None:
        if wanted.status in _STATUS:
            hold(_STATUS[wanted.status])
        else:
            hold("sessions.status = ?", wanted.status)
    if wanted.start is not None:
        hold("sessions.created >= ?", to_microseconds(wanted.start))
    if wanted.end is not None:
        hold("sessions.created < ?", to_microseconds(wanted.end))
    if wanted.q is not None:
        hold(*_of_text(wanted.q, db))
    for condition in wanted.state:
        hold(*_of_state(condition, db))
    return " AND ".join(conditions) or "TRUE", values


def _of_text(q: str, db: sqlite3.Connection | None) -> tuple[str, ...]:
    text = folded(q)
    if len(text) < _SHORTEST_INDEXED:
        listed, value = "SELECT session FROM session_texts WHERE instr(text, ?)", text
    else:
        listed, value = "SELECT rowid FROM session_search WHERE session_search MATCH ?", _phrase(text)
    if db is not None and _are_many(db, listed, (value,)):
        return "EXISTS (SELECT 1 FROM session_texts WHERE session = sessions.id AND instr(text, ?))", text
    return f"sessions.id IN ({listed})", value


def _phrase(text: str) -> str:
    quoted = text.replace('"', '""')
    return f'"{quoted}"'


def _of_state(condition: StateCondition, db: sqlite3.Connection | None) -> tuple[Any, ...]:
    now = condition.relation in (Relation.IS, Relation.CONTAINS)
    kind = VALUE if condition.relation in (Relation.IS, Relation.WAS) else ELEMENT
    found = term(condition.path, kind, condition.value)
    asked = (str(condition.relation), msgspec.json.encode(condition.path).decode(), canonical(condition.value))
    posted = "FROM postings WHERE term = (SELECT id FROM terms WHERE path = ? AND kind = ? AND text = ?)"
    posted += " AND now = 1" if now else ""
    checked = "FROM overflows WHERE path = ? AND kind = ?"
    if condition.relation is Relation.IS:
        # The present value stands with the overflow of its path, but not with that of all paths.
        overflowed = [(f"{checked} AND now = ?", found), (f"{checked} AND {_HOLDS}", (EVERY_PATH, kind, *asked))]
    else:
        overflowed = [(f"{checked} AND {_HOLDS}", (path, kind, *asked)) for path in (found[0], EVERY_PATH)]
    parts = [(posted, found), *overflowed]
    values = [value for _, some in parts for value in some]
    if db is not None and _are_many(db, f"SELECT session {posted}", found):
        return f"({' OR '.join(f'EXISTS (SELECT 1 {part} AND session = sessions.id)' for part, _ in parts)})", *values
    return f"sessions.id IN ({' UNION ALL '.join(f'SELECT session {part}' for part, _ in parts)})", *values


_HOLDS = "state_holds(session, ?, ?, ?)"


def _are_many(db: sqlite3.Connection, listed: str, values: Sequence[Any]) -> bool:
    query = f"SELECT count(*) FROM (SELECT 1 FROM ({listed}) LIMIT {MANY + 1})"
    count: int = db.execute(query, values).fetchone()[0]
    return count > MANY
