"""What is asked of a server to say what became of a session."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from msgspec import Struct

from datacat_server.cli.answers import EventPage
from datacat_server.cli.asking import Reader, session_path
from datacat_server.model import Level, Session, Status
from datacat_server.store.problems import ProblemKind, SessionProblem
from datacat_server.store.views import StateView
from datacat_server.telling import evidence
from datacat_server.telling.event_rows import DETECTED, EventRow, event_row
from datacat_server.terminal.report import Told
from datacat_server.wording import rfc3339

_LOOKED_AT = 24
_MICROSECOND = timedelta(microseconds=1)


class _Problems(Struct, frozen=True):
    problems: list[SessionProblem]


def told_of(reader: Reader, session: Session) -> Told:
    """What is known of a session as it is now, without its events. Raises ServerError."""
    path = session_path(session.id)
    exception = _last_exception(reader, path, session)
    return Told(
        session=session,
        events=[],
        exception=exception,
        problem=_problem(session, reader.get(f"{path}/problems", _Problems).problems),
        at=None,
        state=reader.get(f"{path}/state", StateView),
        before=None,
        last=_last_before(reader, path, session, exception),
        now=datetime.now(UTC),
    )


def told_at(reader: Reader, told: Told, at: datetime) -> Told:
    """The same, with the state as it was at an instant, and before its change. Raises ServerError."""
    path = session_path(told.session.id, "state")
    state = reader.get(path, StateView, [("at", rfc3339(at))])
    before = None
    if state.timestamp is not None:
        before = reader.get(path, StateView, [("at", rfc3339(state.timestamp - _MICROSECOND))]).state
    return replace(told, at=at, state=state, before=before)


def with_events(reader: Reader, told: Told, most: int, level: Level | None = None) -> Told:
    """The same, with the last events, up to the instant where one was asked for. Raises ServerError."""
    if not most:
        return told
    asked = [("limit", str(most))]
    if told.at is not None:
        asked.append(("to", rfc3339(told.at + _MICROSECOND)))
    if level is not None:
        asked.append(("min_level", level.value))
    found = reader.get(session_path(told.session.id, "events"), EventPage, asked).events
    return replace(told, events=[event.stored for event in reversed(found)])


def _last_exception(reader: Reader, path: str, session: Session) -> evidence.Traceback | None:
    if not session.exception_count:
        return None
    found = reader.get(f"{path}/events", EventPage, [("exceptions", "true"), ("limit", "1")]).events
    return evidence.traceback(found[0], found[0].number) if found else None


def _last_before(reader: Reader, path: str, session: Session, exception: evidence.Traceback | None) -> EventRow | None:
    """The last that the application logged before it crashed or hung, but for the exception that did it; or so far."""
    if session.status in (Status.ENDED, Status.SUSPENDED):
        return None
    verdict = evidence.deciding(session)
    cause = exception.number if exception and verdict and verdict.data.get("kind") == "exception" else None
    for event in reader.get(f"{path}/events", EventPage, [("limit", str(_LOOKED_AT))]).events:
        is_before = verdict is None or event.timestamp <= verdict.timestamp
        if is_before and event.name not in DETECTED and event.number != cause:
            return event_row(event.stored, session.created_at)
    return None


def _problem(session: Session, problems: list[SessionProblem]) -> SessionProblem | None:
    """The problem that a session's status is, else the last that it had."""
    kinds = {Status.CRASHED: ProblemKind.CRASH, Status.HUNG: ProblemKind.HANG}
    wanted = kinds.get(session.status)
    return next((one for one in problems if wanted is None or one.problem.kind is wanted), None)
