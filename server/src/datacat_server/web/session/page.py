"""The page of one session: the verdict, the time axis, the state, the events and the metrics."""

import shlex
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any
from urllib.parse import quote, urlencode

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery
from litestar.response import Stream
from msgspec import UNSET

from datacat_server import wording
from datacat_server.model import Level, Session, Status, Verdict
from datacat_server.pieces import json_of
from datacat_server.store.protocol import Store, UnknownSession
from datacat_server.store.views import EventQuery
from datacat_server.web.session import evidence, metrics, state_tree, timeline
from datacat_server.web.session.event_rows import DETECTED, EventRow, event_row
from datacat_server.web.shell.errors import PageError
from datacat_server.web.shell.negotiation import json_response, wants_json
from datacat_server.web.shell.rendering import Renderer

EVENTS_A_PAGE = 50
JUST_BEFORE = 6
REFUSED_SHOWN = 50
FACTS_SHOWN = 100
PROCESSES_SHOWN = 20
FRAMES_IN_A_ROW = 20
SERIES_SHOWN = 48
EXCEPTION_FILTER = "exception"


@dataclass(frozen=True)
class EventFilter:
    """One choice above the table of events, with how many events it picks."""

    name: str
    count: int
    address: str
    current: bool


def session_address(session_id: str, **query: str | float | None) -> str:
    """The address of a session's page."""
    chosen = urlencode({name: value for name, value in query.items() if value is not None})
    path = f"/sessions/{quote(session_id, safe='')}"
    return f"{path}?{chosen}" if chosen else path


def session_routes(store: Store, renderer: Renderer) -> list[HTTPRouteHandler]:
    """A session and one of its events, as a page and as JSON."""

    @get("/sessions/{session_id:str}", include_in_schema=False, sync_to_thread=True)
    def session(
        request: Request[Any, Any, Any],
        session_id: FromPath[str],
        level: FromQuery[str | None] = None,
        cursor: FromQuery[str | None] = None,
        at: FromQuery[float | None] = None,
        series: FromQuery[str | None] = None,
    ) -> Response[bytes] | Stream:
        named_json = session_id.endswith(".json") and not _known(store, session_id)
        if named_json or wants_json(request, by_suffix=False):
            return _whole(store, session_id.removesuffix(".json") if named_json else session_id)
        try:
            context = _context(store, session_id, level or None, cursor or None, at, every_series=series == "all")
        except UnknownSession:
            raise _unknown_session() from None
        except ValueError as error:
            raise PageError(
                400, "These events cannot be shown.", f"{error}. Open the session without a filter."
            ) from None
        return renderer.page("session/page.html", **context)

    @get("/sessions/{session_id:str}/events/{name:str}", include_in_schema=False, sync_to_thread=True)
    def event(session_id: FromPath[str], name: FromPath[str]) -> Response[bytes]:
        number = name.removesuffix(".json")
        try:
            return json_response(store.event(session_id, int(number)).event)
        except (LookupError, ValueError, OverflowError):
            raise PageError(404, "There is no such event.", "Its session may have been deleted.") from None

    return [session, event]


def _unknown_session() -> PageError:
    return PageError(
        404,
        "There is no such session.",
        "It may have been deleted, or not arrived yet: a session appears as soon as its first records do.",
    )


def _known(store: Store, session_id: str) -> bool:
    try:
        store.session_change_token(session_id)
    except UnknownSession:
        return False
    return True


def _whole(store: Store, session_id: str) -> Response[bytes] | Stream:
    try:
        return json_of(store.session_json(session_id))
    except UnknownSession:
        raise _unknown_session() from None


def _context(
    store: Store, session_id: str, level: str | None, cursor: str | None, at: float | None, *, every_series: bool
) -> dict[str, Any]:
    """Everything that the template of the page asks for."""
    now = datetime.now(UTC)
    session = store.session(session_id, {"refused"})
    start, end = timeline.span(session, now)
    seconds = (end - start).total_seconds()
    moment = None if at is None else min(max(at, 0.0), seconds)
    folded = store.timeline(session_id, start, *timeline.buckets(start, end), outside=True)
    series = store.series(session_id, limit=10_000 if every_series else SERIES_SHOWN + 1)
    page = store.event_page(
        session_id,
        EventQuery(
            level=Level(level) if level and level != EXCEPTION_FILTER else None, exceptions=level == EXCEPTION_FILTER
        ),
        limit=EVENTS_A_PAGE,
        cursor=cursor,
    )
    rows = [event_row(stored, start) for stored in page.events]
    instant = None if moment is None else start + timedelta(seconds=moment)
    states = store.states(session_id, at=instant, limit=2)
    shown = series if every_series else series[:SERIES_SHOWN]
    verdict = evidence.deciding(session)
    stacks = evidence.stacks(session)
    traceback = _last_exception(store, session)
    cause = traceback if verdict and verdict.data.get("kind") == "exception" else None
    refused = session.refused if session.refused is not UNSET else []
    others = [process for process in session.processes if process.pid != session.pid]
    return {
        "now": now,
        "session": session,
        "sentence": evidence.sentence(session, stacks, cause, now),
        "lifetime": evidence.lifetime(session, now),
        "start": start,
        "verdict": verdict,
        "stacks": stacks,
        "traceback": traceback,
        "caused": cause is not None,
        "just_before": _just_before(store, session, verdict, cause, start),
        "axis": timeline.draw(session, end, folded, series, moment),
        "moment": moment,
        "tree": state_tree.tree(states[0].state, states[1].state if len(states) > 1 else None) if states else None,
        "changed_at": (states[0].timestamp - start).total_seconds() if len(states) > 1 else None,
        "earlier_at": (states[1].timestamp - start).total_seconds() if len(states) > 1 else None,
        "filters": _filters(session, folded.levels, level, at),
        "rows": rows,
        "level": level,
        "cursor": cursor,
        "older": page.cursor and session_address(session_id, level=level, cursor=page.cursor, at=at),
        "newest": session_address(session_id, level=level, at=at),
        "metric_groups": metrics.groups(shown, start, seconds),
        "more_series": len(series) > len(shown),
        "refused": refused[:REFUSED_SHOWN],
        "refused_left_out": max(0, len(refused) - REFUSED_SHOWN),
        "facts": {key: _fact(key, value) for key, value in islice(session.facts.items(), FACTS_SHOWN)},
        "processes": others[:PROCESSES_SHOWN],
        "processes_left_out": max(0, len(others) - PROCESSES_SHOWN),
        "most_frames": FRAMES_IN_A_ROW,
        "address": session_address,
        "at": at,
    }


def _last_exception(store: Store, session: Session) -> evidence.Traceback | None:
    if not session.exception_count:
        return None
    found = store.event_page(session.id, EventQuery(exceptions=True), limit=1).events
    return evidence.traceback(found[0].event, found[0].number) if found else None


def _just_before(
    store: Store, session: Session, verdict: Verdict | None, cause: evidence.Traceback | None, start: datetime
) -> list[EventRow]:
    """The last that the application logged before it crashed or hung, newest first; nothing if it went on.

    The exception that ended it, `cause`, is shown by itself.
    """
    if verdict is None or session.status not in (Status.CRASHED, Status.HUNG):
        return []
    rows = [
        event_row(stored, start)
        for stored in store.event_page(session.id, limit=JUST_BEFORE * 4).events
        if stored.event.timestamp <= verdict.timestamp
        and stored.event.name not in DETECTED
        and (cause is None or stored.number != cause.number)
    ]
    return rows[:JUST_BEFORE]


def _fact(key: str, value: Any) -> str:
    """A fact in one line; a command as it would be typed."""
    if key == "argv" and isinstance(value, list) and all(isinstance(word, str) for word in value):
        return wording.shorten(shlex.join(value), 400)
    return state_tree.text(value)


def _filters(session: Session, levels: dict[str, list[int]], chosen: str | None, at: float | None) -> list[EventFilter]:
    counts = {level.value: sum(levels.get(level.value, [])) for level in reversed(Level)}
    counts[EXCEPTION_FILTER] = session.exception_count
    total = sum(sum(values) for values in levels.values())
    filters = [EventFilter("all", total, session_address(session.id, at=at), chosen is None)]
    for name, count in counts.items():
        if count or name == chosen:
            filters.append(EventFilter(name, count, session_address(session.id, level=name, at=at), name == chosen))
    return filters
