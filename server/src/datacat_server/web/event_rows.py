"""One event as a row of the table: a line that is always short, and what opens below it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from datacat_server.model import Event
from datacat_server.store.views import StoredEvent
from datacat_server.web import evidence, format
from datacat_server.web.state_tree import text

PREVIEW = 160
MAX_DATA = 4096


@dataclass(frozen=True)
class EventRow:
    """An event, ready to show; `data` is its data as indented JSON, None where it is too much for a row."""

    number: int
    event: Event
    at: float
    message: str
    preview: str
    data: str | None
    data_size: int
    traceback: evidence.Traceback | None


def event_row(stored: StoredEvent, start: datetime) -> EventRow:
    """A row of the table; `start` is where the session's time axis starts."""
    event = stored.event
    raw = bytes(event.data)
    fits = len(raw) <= MAX_DATA
    return EventRow(
        number=stored.number,
        event=event,
        at=(event.timestamp - start).total_seconds(),
        message=_message(event),
        preview=_preview(msgspec.json.decode(raw))
        if fits
        else format.shorten(raw[: PREVIEW * 4].decode(errors="replace"), PREVIEW),
        data=(msgspec.json.format(raw, indent=2).decode() if raw not in (b"{}", b"null") else "") if fits else None,
        data_size=len(raw),
        traceback=evidence.traceback(event, stored.number) if event.is_exception else None,
    )


def _message(event: Event) -> str:
    if event.is_exception and not event.message:
        return evidence.traceback(event).title
    return event.message or ""


def _preview(data: Any) -> str:
    if not isinstance(data, dict):
        return text(data)
    return format.shorten(" ".join(f"{key}={text(value)}" for key, value in data.items()), PREVIEW)
