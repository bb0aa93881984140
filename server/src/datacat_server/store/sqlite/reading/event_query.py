"""Pages of a session's events for whatever filter, without looking at more of them than an answer has time for."""

import re
import sqlite3
from typing import Any

import msgspec

from datacat_server.model import Level
from datacat_server.store.sqlite.rows.cursor import read_cursor, write_cursor
from datacat_server.store.sqlite.rows.events import COLUMNS, LEVELS, event_of
from datacat_server.store.sqlite.rows.times import to_microseconds
from datacat_server.store.views import EventPage, EventQuery, StoredEvent

MOST_READ = 20_000
"""Events that are read for one page."""
MOST_IN_INDEX = 100_000
"""Events that are looked at where the index tells all that is asked."""

_MATTERS = 2  # the level from which on events stand in an index of their own (migration 0007)

# Of plain ASCII LIKE says the same as what is called out of SQL, in a part of the time. That is called where there is
# more: letters beyond ASCII, of which some fold into it, or a NUL (both by the lengths), escapes of JSON, exceptions.
_HOLDS_PLAIN = (
    "(name LIKE ? ESCAPE '\\' OR message LIKE ? ESCAPE '\\'"
    " OR (data LIKE ? ESCAPE '\\' AND NOT instr(data, '\\'))"
    " OR ((exception IS NOT NULL OR instr(data, '\\')"
    " OR length(name) <> length(CAST(name AS BLOB)) OR length(message) <> length(CAST(message AS BLOB))"
    " OR length(data) <> length(CAST(data AS BLOB)))"
    " AND holds_text(name, message, data, exception)))"
)
_WILD, _ESCAPED = re.compile(r"[\\%_]"), r"\\\g<0>"
_LONGEST_PLAIN = 1_000

_decode = msgspec.json.decode
_encode = msgspec.json.Encoder().encode


def read_event_page(
    db: sqlite3.Connection, session: int, wanted: EventQuery, limit: int, cursor: str | None, oldest_first: bool
) -> EventPage:
    """The events that are meant, newest or oldest first. Raises ValueError for a cursor that is none."""
    place, place_values = _place(session, wanted, cursor, oldest_first)
    condition, values = condition_of(db, wanted)
    order = "ASC" if oldest_first else "DESC"
    by = f"ORDER BY time {order}, id {order}"
    edge: tuple[int, int] | None = None
    if condition:
        in_index = not any((wanted.name, wanted.category, wanted.group, wanted.label, wanted.q))
        edge = db.execute(
            f"SELECT time, id FROM events WHERE {place} {by} LIMIT 1 OFFSET ?",
            (*place_values, (MOST_IN_INDEX if in_index else MOST_READ) - 1),
        ).fetchone()
        if edge is not None:
            place += f" AND (time, id) {'<=' if oldest_first else '>='} (?, ?)"
            place_values += edge
    rows = db.execute(
        f"SELECT id, {COLUMNS} FROM events WHERE {place}{condition} {by} LIMIT ?", (*place_values, *values, limit + 1)
    ).fetchall()
    if len(rows) > limit:
        rows = rows[:limit]
        edge = rows[-1][1], rows[-1][0]
    return EventPage(
        events=[StoredEvent(row[0], event_of(row[1:])) for row in rows],
        cursor=None if edge is None else write_cursor(_order(oldest_first), *edge),
    )


def _place(session: int, wanted: EventQuery, cursor: str | None, oldest_first: bool) -> tuple[str, list[Any]]:
    """What an index finds at once, as a condition and its values."""
    conditions = ["session = ?"]
    values: list[Any] = [session]
    if wanted.start is not None:
        conditions.append("time >= ?")
        values.append(to_microseconds(wanted.start))
    if wanted.end is not None:
        conditions.append("time < ?")
        values.append(to_microseconds(wanted.end))
    if cursor is not None:
        place = read_cursor(cursor, _order(oldest_first), int, int)
        conditions.append(f"(time, id) {'>' if oldest_first else '<'} (?, ?)")
        values += place
    # Written out, for only then an index of some events is taken.
    if wanted.exceptions:
        conditions.append("is_exception = 1")
    elif max(_number(wanted.level) or 0, _number(wanted.min_level) or 0) >= _MATTERS:
        conditions.append(f"level >= {_MATTERS}")
    return " AND ".join(conditions), values


def _order(oldest_first: bool) -> str:
    return "time" if oldest_first else "-time"


def condition_of(db: sqlite3.Connection, wanted: EventQuery) -> tuple[str, list[Any]]:
    """What is looked at in each event, to follow another condition, and its values; empty where there is nothing.

    It holds on this connection, for as long as no other is made there.
    """
    conditions: list[str] = []
    values: list[Any] = []
    for condition, value in (
        ("level = ?", _number(wanted.level)),
        ("level >= ?", _number(wanted.min_level)),
        ("name = ?", wanted.name),
        ("category = ?", wanted.category),
        ("grp = ?", wanted.group),
        ("labels IS NOT NULL AND ? IN (SELECT value FROM json_each(labels))", wanted.label),
    ):
        if value is not None:
            conditions.append(condition)
            values.append(value)
    if wanted.q is not None:
        text = wanted.q.casefold()
        db.create_function("holds_text", 4, lambda *fields: _holds(text, *fields))
        if wanted.q.isascii() and "\0" not in wanted.q and len(wanted.q) <= _LONGEST_PLAIN:
            conditions.append(_HOLDS_PLAIN)
            values += [f"%{_WILD.sub(_ESCAPED, wanted.q)}%"] * 3
        else:
            conditions.append("holds_text(name, message, data, exception)")
    return "".join(f" AND {condition}" for condition in conditions), values


def _number(level: Level | None) -> int | None:
    return None if level is None else LEVELS.index(level)


def _holds(text: str, name: str, message: str | None, data: str | None, exception: str | None) -> bool:
    """Whether a text, with its cases folded, stands in an event."""
    if text in name.casefold() or (message is not None and text in message.casefold()):
        return True
    if data is not None:
        if "\\" in data:
            # A letter may stand there as its number.
            data = _encode(_decode(data)).decode()
        if text in data.casefold():
            return True
    return exception is not None and text in str(_decode(exception).get("exception_msg", "")).casefold()
