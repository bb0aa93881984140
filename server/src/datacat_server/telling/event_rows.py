"""One event as a row of the table: a line that is always short, and what opens below it."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from datacat_server import wording
from datacat_server.model import Event
from datacat_server.store.views import StoredEvent
from datacat_server.telling import evidence
from datacat_server.telling.state_tree import text

DETECTED = {"session_crashed_detected", "application_appears_hung", "application_recovered"}
SHOWN_ELSEWHERE = {"last_events", "stacks"}
PREVIEW = 160
ORIGIN = 40
MAX_DATA = 4096
MAX_INDENTED = 2 * MAX_DATA

_LAST_INSTANT = 253_402_300_799_999_999  # microseconds since 1970: the end of the year 9999


@dataclass(frozen=True)
class EventRow:
    """An event, ready to show.

    `origin` is its group and category; `data` is its data as indented JSON, None where it is too much for a row.
    """

    number: int
    event: Event
    at: float
    origin: str
    message: str
    preview: str
    data: str | None
    data_size: int
    traceback: evidence.Traceback | None


def event_row(stored: StoredEvent, start: datetime) -> EventRow:
    """A row of the table; `start` is where the session's time axis starts."""
    event = stored.event
    raw = _told_here(event) if event.name in DETECTED and event.category == "datacat" else bytes(event.data)
    fits = len(raw) <= MAX_DATA
    indented = msgspec.json.format(raw, indent=2).decode() if fits and raw not in (b"{}", b"null") else ""
    return EventRow(
        number=stored.number,
        event=event,
        at=(event.timestamp - start).total_seconds(),
        origin=" · ".join(wording.shorten(word, ORIGIN) for word in (event.group, event.category) if word),
        message=_message(event),
        preview=_preview(msgspec.json.decode(raw))
        if fits
        else wording.shorten(raw[: PREVIEW * 4].decode(errors="replace"), PREVIEW),
        # What is nested deeply grows many times over by its indents.
        data=indented if fits and len(indented) <= MAX_INDENTED else None,
        data_size=len(raw),
        traceback=evidence.traceback(event, stored.number) if event.is_exception else None,
    )


def _told_here(event: Event) -> bytes:
    """What was found out about a session, without what the verdict shows, and with instants that can be read."""
    data = msgspec.json.decode(event.data)
    if not isinstance(data, dict):
        return bytes(event.data)
    return msgspec.json.encode(
        {key: _readable(key, value) for key, value in data.items() if key not in SHOWN_ELSEWHERE}
    )


def _readable(key: str, value: Any) -> Any:
    instant = key == "time" or key.endswith("_us")
    if not instant or type(value) is not int or not 0 <= value <= _LAST_INSTANT:
        return value
    return wording.rfc3339(datetime.fromtimestamp(0, UTC) + timedelta(microseconds=value))


def _message(event: Event) -> str:
    if event.is_exception and not event.message:
        return evidence.traceback(event).title
    return event.message or ""


def _preview(data: Any) -> str:
    if not isinstance(data, dict):
        return text(data)
    return wording.shorten(" ".join(f"{key}={text(value)}" for key, value in data.items()), PREVIEW)
