"""What `datacat show` prints."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from msgspec import UNSET, structs

from datacat_server.cli.asking import Reader, session_path
from datacat_server.cli.leaving import fail
from datacat_server.cli.one_session import told_at, told_of, with_events
from datacat_server.instants import AGES, TooFarBack, read_age, read_instant
from datacat_server.model import Level, Session, encode
from datacat_server.terminal.report import Told, report_lines
from datacat_server.terminal.style import output, width_of

_CLOCK = re.compile(r"(?:(\d{1,6}):)?(\d{1,6}):(\d{1,2}(?:\.\d{1,6})?)")
_SMALL = re.compile(r"\d{1,7}(?:\.\d*)?")
"""Nobody means so many seconds since 1970, and of what else it is a number of, it does not say."""


@dataclass(frozen=True)
class Request:
    """Which session, at which time its state as it was typed, how many of its last events, of which level at least."""

    session_id: str
    state_at: str | None
    events: int
    level: Level | None = None


def print_report(reader: Reader, request: Request, *, full: bool, as_json: bool) -> None:
    """Ask for a session and print it. Raises ServerError."""
    told = told_of(reader, reader.get(session_path(request.session_id), Session, [("include", "")]))
    if request.state_at is not None:
        told = told_at(reader, told, instant_of(request.state_at, told.session))
    told = with_events(reader, told, request.events, request.level)
    if as_json:
        print(encode(_as_data(told)).decode())
        return
    console = output()
    width = width_of(console)
    for line in report_lines(told, width, full=full):
        console.print(line, soft_wrap=full or width is None)


def instant_of(text: str, session: Session) -> datetime:
    """The instant that is meant: since the session's start, or of the calendar. What is none ends the command."""
    try:
        if clock := _CLOCK.fullmatch(text):
            hours, minutes, seconds = (float(part or 0) for part in clock.groups())
            return session.created_at + timedelta(hours=hours, minutes=minutes, seconds=seconds)
        if text.startswith("+"):
            return session.created_at + timedelta(seconds=read_age(text[1:]))
        if _SMALL.fullmatch(text):
            raise ValueError(text)
        return read_instant(text)
    except TooFarBack:
        fail(f"--state-at: {text} is too far back: before 1970 there is nothing")
    except (ValueError, OverflowError):
        fail(
            "--state-at: expected a time since its start, such as 13:24.118 or +90s, a time in UTC, such as"
            f" 2026-01-31T12:00:00Z, or how long ago, such as -5min (in {AGES}), not {text!r}"
        )


def _as_data(told: Told) -> dict[str, Any]:
    """The session as the API answers it, with what the report says of it."""
    exception = told.exception
    session = {name: value for name, value in structs.asdict(told.session).items() if value is not UNSET}
    return session | {
        "sentence": told.sentence,
        "state": told.state.state,
        "state_at": told.at,
        "state_since": told.state.timestamp,
        "state_changed": told.state.changed,
        "exception": exception and {"title": exception.title, "traceback": exception.text, "number": exception.number},
        "problem": told.problem and told.problem.problem,
        "last_events": [stored.event for stored in told.events],
    }
