"""A filter as a condition of SQL, for every query over sessions: `... FROM sessions WHERE {condition}`.

A text or a state can be looked for in two ways: as a list of the sessions that have it, or by asking of each session
whether it has it. The list is better where few have it, or where all sessions meant are read anyway.
"""

import re
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from datacat_server.canonical import canonical
from datacat_server.filters import Filter, Relation, StateCondition
from datacat_server.quoting import plain_words
from datacat_server.store.sqlite.folds.past_values import digest, is_digested
from datacat_server.store.sqlite.folds.search_terms import ELEMENT, EVERY_PATH, VALUE, is_large, term
from datacat_server.store.sqlite.folds.session_text import folded
from datacat_server.store.sqlite.rows.times import to_microseconds

FEW = 1_000
"""Up to so many sessions are named by their numbers: looked for once, however much is then asked of them."""

MANY = 20_000
"""From so many on it costs less to go through all sessions until enough are found than to list those that have it."""

# `ever_hung` is in each of them because their index has only sessions with it.
_EVER = "sessions.ever_hung = 1"
_STATUS = {
    "ever_hung": _EVER,
    "hung_recovered": f"{_EVER} AND sessions.hung = 0",
    "hung_ended": f"{_EVER} AND sessions.hung = 1 AND sessions.ended IS NOT NULL AND sessions.crashed = 0",
    "hung_crashed": f"{_EVER} AND sessions.hung = 1 AND sessions.crashed = 1",
}
_SHORTEST_INDEXED = 3
_WILD, _ESCAPED = re.compile(r"[\\%_]"), r"\\\g<0>"
# Of letters of ASCII LIKE knows both cases, and much faster than what is called out of SQL; others are folded.
_TOLD = (
    "(s.problem IN (SELECT id FROM problems WHERE instr(words, ?)) OR s.message LIKE ? ESCAPE '\\'"
    " OR (length(s.message) <> length(CAST(s.message AS BLOB)) AND instr(searchable(s.message), ?)))"
)

Condition = tuple[str, tuple[Any, ...]]
"""SQL, and the values of its marks."""


@dataclass(frozen=True)
class _Sought:
    """A text or a state: the query that lists the sessions that have it, and the question put to one session."""

    listed: Condition
    asked: Condition

    @property
    def among_listed(self) -> Condition:
        query, values = self.listed
        return f"sessions.id IN ({query})", values


def selection(wanted: Filter) -> tuple[str, list[Any]]:
    """The condition on the table `sessions` that holds of the sessions meant, and the values of its marks (`?`).

    For a query that reads all of them; `Selection` has what is better for one that stops early.
    """
    return _joined([*_of_columns(wanted), *(sought.among_listed for sought in _sought(wanted))])


def selection_of_numbers(wanted: Filter, column: str) -> tuple[str, list[Any]]:
    """The same as a condition on a column of another table, which holds the numbers of sessions.

    Its rows may outlive their session for a while.
    """
    listed = [sought.listed for sought in _sought(wanted)]
    if listed and not list(_of_columns(wanted)):
        # No row of `sessions` need be looked at; that would cost as much again.
        named = [(f"{column} IN ({query})", values) for query, values in listed]
        return _joined([*named, (f"{column} NOT IN (SELECT session FROM removals)", ())])
    condition, values = selection(wanted)
    return f"{column} IN (SELECT id FROM sessions WHERE {condition})", values


class Selection:
    """A filter with what it looks for looked up, once: to find a short text, all of them are looked through."""

    def __init__(self, db: sqlite3.Connection, wanted: Filter) -> None:
        self._db = db
        self._columns = list(_of_columns(wanted))
        self._sought = list(_looked_up(db, wanted))

    @property
    def condition(self) -> tuple[str, list[Any]]:
        """The condition on the table `sessions` for a query that takes the first hundred or so."""
        return self._condition(FEW)

    def count(self, most: int) -> int:
        """How many sessions there are, up to `most`."""
        if self._sought and not self._columns and all(len(found) < MANY for _, found in self._sought):
            # No row of `sessions` need be looked at; to do so takes longer than all the rest of a page.
            removed = {number for (number,) in self._db.execute("SELECT session FROM removals")}
            first, *others = [set(found) for _, found in self._sought]
            return min(len(first.intersection(*others) - removed), most)
        condition, values = self._condition(MANY - 1)
        counted = f"SELECT count(*) FROM (SELECT 1 FROM sessions WHERE {condition} LIMIT {most})"
        total: int = self._db.execute(counted, values).fetchone()[0]
        return total

    def _condition(self, named: int) -> tuple[str, list[Any]]:
        """What is looked for as numbers, where there are no more than `named`, else as a question to each session."""
        looked_for = [_named(found) if len(found) <= named else sought.asked for sought, found in self._sought]
        return _joined([*self._columns, *looked_for])


def _looked_up(db: sqlite3.Connection, wanted: Filter) -> Iterator[tuple[_Sought, list[int]]]:
    """What is looked for, each with the first numbers that have it; after a rare one, those of them that have both.

    So only the first word of a text costs looking through all that went wrong.
    """
    numbers: list[int] | None = None
    for sought in _sought(wanted):
        numbers = _first_numbers(db, sought) if numbers is None or len(numbers) > FEW else _of(db, numbers, sought)
        yield sought, numbers


def _of(db: sqlite3.Connection, numbers: list[int], sought: _Sought) -> list[int]:
    """Those of the numbers of sessions that have it."""
    (among, few), (asked, values) = _named(numbers), sought.asked
    return [number for (number,) in db.execute(f"SELECT id FROM sessions WHERE {among} AND {asked}", (*few, *values))]


def _first_numbers(db: sqlite3.Connection, sought: _Sought) -> list[int]:
    """The first sessions that have it: MANY at most, in which some may be that are removed."""
    query, values = sought.listed
    return [number for (number,) in db.execute(f"SELECT * FROM ({query}) LIMIT {MANY}", values)]


def _named(numbers: list[int]) -> Condition:
    return "sessions.id IN (SELECT value FROM json_each(?))", (msgspec.json.encode(numbers).decode(),)


def _joined(conditions: Iterable[Condition]) -> tuple[str, list[Any]]:
    parts = list(conditions)
    return " AND ".join(part for part, _ in parts) or "TRUE", [value for _, values in parts for value in values]


def _of_columns(wanted: Filter) -> Iterator[Condition]:
    if wanted.product is not None:
        yield "sessions.product = ?", (wanted.product,)
    if wanted.version is not None:
        yield "sessions.version = ?", (wanted.version,)
    if wanted.machine is not None:
        yield "(sessions.machine_id = ? OR sessions.hostname = ?)", (wanted.machine, wanted.machine)
    if wanted.status in _STATUS:
        yield _STATUS[wanted.status], ()
    elif wanted.status is not None:
        yield "sessions.status = ?", (wanted.status,)
    if wanted.start is not None:
        yield "sessions.created >= ?", (to_microseconds(wanted.start),)
    if wanted.end is not None:
        yield "sessions.created < ?", (to_microseconds(wanted.end),)


def _sought(wanted: Filter) -> Iterator[_Sought]:
    if wanted.q is not None:
        # The longest first: it is likely to be the rarest, and what is within another need not be looked for.
        texts: list[str] = []
        for text in sorted(map(folded, plain_words(wanted.q)), key=len, reverse=True):
            if not any(text in longer for longer in texts):
                texts.append(text)
        yield from map(_text, texts)
    meant = _joined(_of_columns(wanted)) if wanted.state else ("TRUE", [])
    for condition in wanted.state:
        yield _state(condition, meant)


def _text(text: str) -> _Sought:
    """In the session's own texts, or in what it went wrong with: these are read as they are, for there are fewer."""
    problem = f"FROM problem_sessions AS s WHERE {_TOLD}"
    told = (text, f"%{_WILD.sub(_ESCAPED, text)}%", text)
    asked = (
        "(EXISTS (SELECT 1 FROM session_texts WHERE session = sessions.id AND instr(text, ?))"
        f" OR EXISTS (SELECT 1 {problem} AND s.session = sessions.id))"
    )
    if len(text) < _SHORTEST_INDEXED:
        listed, sought = "SELECT session FROM session_texts WHERE instr(text, ?)", text
    else:
        phrase = text.replace('"', '""')
        listed, sought = "SELECT rowid FROM session_search WHERE session_search MATCH ?", f'"{phrase}"'
    return _Sought((f"{listed} UNION SELECT s.session {problem}", (sought, *told)), (asked, (text, *told)))


def _state(condition: StateCondition, meant: tuple[str, list[Any]]) -> _Sought:
    """`meant`: the condition on columns of `sessions`; logs of states are read of no other sessions."""
    kind = VALUE if condition.relation in (Relation.IS, Relation.WAS) else ELEMENT
    found = term(condition.path, kind, condition.value)
    checked = (str(condition.relation), msgspec.json.encode(condition.path).decode(), canonical(condition.value))
    posted = "FROM postings WHERE term = (SELECT id FROM terms WHERE path = ? AND kind = ? AND text = ?)"
    if condition.relation in (Relation.IS, Relation.CONTAINS):
        posted += " AND now = 1"
    # What is large has a text in common with others.
    sure: Condition = (f" AND {_HOLDS}", checked) if is_large(condition.value) else ("", ())
    if condition.relation is Relation.IS:
        # The present value stands with the overflow of its path, but not with that of all paths.
        here: Condition = f"now = ?{sure[0]}", (found[2], *sure[1])
    else:
        here = _HOLDS, checked
    posts: Condition = f"{posted}{sure[0]}", (*found, *sure[1])
    overflowed = "overflows WHERE path = ? AND kind = ?"
    overflows: list[tuple[str, tuple[Any, ...], str, tuple[Any, ...]]] = [
        (overflowed, (found[0], kind), *here),
        (overflowed, (EVERY_PATH, kind), _HOLDS, checked),
    ]
    if condition.relation is Relation.WAS and is_digested(found[2]):
        overflows[0] = "past_values WHERE path = ?", (found[0],), "instr(digests, ?)", (digest(found[2]),)

    def either(begin: str, end: str, among: Condition) -> Iterator[Condition]:
        yield f"{begin} {posts[0]}{end}", posts[1]
        for table, place, holds, values in overflows:
            yield f"{begin} FROM {table}{among[0]} AND {holds}{end}", (*place, *among[1], *values)

    among: Condition = f" AND session IN (SELECT id FROM sessions WHERE {meant[0]})", tuple(meant[1])
    listed = list(either("SELECT session", "", among if meant[0] != "TRUE" else ("", ())))
    asked = list(either("EXISTS (SELECT 1", " AND session = sessions.id)", ("", ())))
    return _Sought(
        (" UNION ALL ".join(query for query, _ in listed), tuple(value for _, some in listed for value in some)),
        (f"({' OR '.join(query for query, _ in asked)})", tuple(value for _, some in asked for value in some)),
    )


_HOLDS = "state_holds(session, ?, ?, ?)"
