"""Events as rows and back."""

import sqlite3
from collections.abc import Sequence
from operator import attrgetter
from typing import Any

import msgspec
from msgspec import Raw

from datacat_server.ingest.records import EventRecord
from datacat_server.model import Event, Level
from datacat_server.store.sqlite.pending import Row
from datacat_server.store.sqlite.times import to_datetime

LEVELS: list[str] = list(Level)
LEVEL_NUMBERS: dict[str | None, int] = {level: number for number, level in enumerate(LEVELS)}

COLUMNS = "time, level, name, category, grp, labels, message, data, exception"

_encode = msgspec.json.Encoder().encode
_labels = msgspec.json.Decoder(list[str])
_exception = msgspec.json.Decoder(dict[str, Any])
_EMPTY = Raw(b"{}")
_WHERE = ("exception_msg", "stacktrace", "source_file", "source_line", "source_function")
_exception_fields = attrgetter("exception_type", *_WHERE)
_NO_EXCEPTION = (None,) * (1 + len(_WHERE))


def event_rows(session: int, records: list[EventRecord]) -> list[Row]:
    """Rows of `events`, without their numbers."""
    return [
        (
            session,
            record.time,
            LEVEL_NUMBERS[record.level],
            record.exception_type is not None,
            record.name,
            record.category,
            record.group,
            _encode(record.labels).decode() if record.labels else None,
            record.message,
            str(record.data, "utf-8") or None,
            None if _exception_fields(record) == _NO_EXCEPTION else _exception_of(record),
        )
        for record in records
    ]


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


def session_events(db: sqlite3.Connection, session: int) -> list[Event]:
    """All events of a session, by time, then by arrival."""
    return [
        event_of(row)
        for row in db.execute(f"SELECT {COLUMNS} FROM events WHERE session = ? ORDER BY time, id", (session,))
    ]


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
