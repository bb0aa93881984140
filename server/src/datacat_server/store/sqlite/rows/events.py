"""Events as rows and back."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain
from typing import Any

import msgspec
from msgspec import Raw

from datacat_server.ingest.records import EventRecord
from datacat_server.model import Event, Level
from datacat_server.store.sqlite.rows.times import to_datetime

LEVELS: list[str] = list(Level)
LEVEL_NUMBERS: dict[str | None, int] = {level: number for number, level in enumerate(LEVELS)}

COLUMNS = "time, level, name, category, grp, labels, message, data, exception"

_encode = msgspec.json.Encoder().encode
_labels = msgspec.json.Decoder(list[str])
_exception = msgspec.json.Decoder(dict[str, Any])
_EMPTY = Raw(b"{}")
_FIELDS = EventRecord.__struct_fields__
_WHERE = ("exception_msg", "stacktrace", "source_file", "source_line", "source_function")
_OF_EXCEPTIONS = ("exception_type", *_WHERE)
_SELDOM = ("category", "group", "labels", "message", *_OF_EXCEPTIONS)

# SQLite is called once for so many rows: for each call the interpreter lock is given away and waited for again, and
# those who decode the next batch hold it.
_AT_ONCE = (500, 100, 10, 1)
# A statement is kept, with a kilobyte for each row of many columns, and there is one for each set of columns.
_MOST_VALUES = 2_500


@dataclass(slots=True, frozen=True)
class EventColumns:
    """Rows of `events` of one session, without their numbers: a list for each column, all of one length.

    `is_exception` is 0 or 1, `data` empty for none. `others` are the columns that some row has something in; a row
    that has not holds 0 there.
    """

    session: int
    time: Sequence[int]
    level: Sequence[int]
    is_exception: Sequence[int]
    name: Sequence[str]
    data: Sequence[str]
    others: dict[str, Sequence[str | int]]


def columns_of(session: int, events: list[EventRecord]) -> EventColumns:
    """The columns of a session's events, in their order."""
    count = len(events)
    fields = dict(zip(_FIELDS, zip(*map(msgspec.structs.astuple, events), strict=True), strict=True))
    # Of what few events have, most batches have nothing: they must not pay for it.
    said = {name for name in _SELDOM if fields[name].count(None) < count}
    others: dict[str, Sequence[str | None]] = {}
    if "category" in said:
        others["category"] = fields["category"]
    if "group" in said:
        others["grp"] = fields["group"]
    if "labels" in said and any(fields["labels"]):
        others["labels"] = [_encode(labels).decode() if labels else None for labels in fields["labels"]]
    if "message" in said:
        others["message"] = fields["message"]
    if not said.isdisjoint(_OF_EXCEPTIONS):
        exceptions = [_exception_of(event) for event in events]
        if exceptions.count(None) < count:
            others["exception"] = exceptions
    types = fields["exception_type"]
    return EventColumns(
        session,
        fields["time"],
        [LEVEL_NUMBERS[level] for level in fields["level"]],
        [0 if kind is None else 1 for kind in types] if "exception_type" in said else [0] * count,
        fields["name"],
        _texts(fields["data"]),
        # Zero is no text; None is: sqlite3 takes a microsecond to find out what to do with one, of two for a row.
        {name: [0 if text is None else text for text in column] for name, column in others.items()},
    )


def insert_events(db: sqlite3.Connection, events: EventColumns) -> None:
    """Insert rows, in their order."""
    columns = [events.time, events.level, events.name, events.data, *events.others.values()]
    names = tuple(events.others)
    if 1 in events.is_exception:
        columns.append(events.is_exception)
        names = (*names, "is_exception")
    values = list(chain.from_iterable(zip(*columns, strict=True)))
    begin, width = 0, len(columns)
    for count in _AT_ONCE:
        if count * width > _MOST_VALUES:
            continue
        while len(values) - begin >= count * width:
            end = begin + count * width
            db.execute(_insert(names, count), [events.session, *values[begin:end]])
            begin = end


@cache
def _insert(names: tuple[str, ...], count: int) -> str:
    """The statement for so many rows that have the columns of these names, beside those that all have.

    OR FAIL: whatever fails is undone with its batch, and a statement that may have to undo itself alone writes each
    page that it touches a second time.
    """
    marks = ["?" if name == "is_exception" else "nullif(?, 0)" for name in names]
    columns = ["session", "time", "level", "name", "data", *names]
    row = ["?1", "?", "?", "?", "nullif(?, '')", *marks]
    if "is_exception" not in names:
        columns.append("is_exception")
        row.append("0")
    rows = ", ".join([f"({', '.join(row)})"] * count)
    return f"INSERT OR FAIL INTO events ({', '.join(columns)}) VALUES {rows}"


def event_of(row: Sequence[Any]) -> Event:
    """The event of a row of `COLUMNS`."""
    time, level, name, category, group, labels, message, data, exception = row
    return Event(
        timestamp=to_datetime(time),
        name=name,
        level=LEVELS[level],
        category=category,
        group=group,
        labels=_labels.decode(labels) if labels else [],
        message=message,
        data=Raw(data.encode()) if data else _EMPTY,
        **(_exception.decode(exception) if exception else {}),
    )


def _texts(raws: Sequence[Raw]) -> list[str]:
    """What they hold, as text: in one go where none of them has a line break in it, as JSON of one line has not."""
    texts = b"\n".join(raws).decode().split("\n")
    return texts if len(texts) == len(raws) else [str(raw, "utf-8") for raw in raws]


def _exception_of(record: EventRecord) -> str | None:
    if record.exception_type is None:
        # Where in the code something happened may be said of any event.
        said = {name: value for name in _WHERE if (value := getattr(record, name)) is not None}
        return _encode(said).decode() if said else None
    return _encode(
        {
            "exception_type": record.exception_type,
            "exception_msg": record.exception_msg or "",
            "stacktrace": record.stacktrace or [],
            "source_file": record.source_file,
            "source_line": record.source_line,
            "source_function": record.source_function,
        }
    ).decode()
