"""The addresses of a session's page, and of the parts that its script asks for by themselves."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect, Stream

from datacat_server.pieces import json_of
from datacat_server.store.protocol import Store, UnknownSession
from datacat_server.telling import evidence
from datacat_server.web.session import events
from datacat_server.web.session.context import context, events_context, parts, state_context
from datacat_server.web.session.counterpart import counterpart
from datacat_server.web.session.query import Query, WrongQuestion, read_query
from datacat_server.web.session.timeline import axis, data
from datacat_server.web.shell.errors import PageError
from datacat_server.web.shell.negotiation import json_response, wants_json
from datacat_server.web.shell.rendering import Renderer

_Request = Request[Any, Any, Any]


def session_routes(store: Store, renderer: Renderer) -> list[HTTPRouteHandler]:
    """A session, its state, its events and its time axis, as HTML and as JSON."""
    renderer.offer(folded=evidence.folded)

    @get("/sessions/{session_id:str}", include_in_schema=False, sync_to_thread=True)
    def session(request: _Request, session_id: FromPath[str]) -> Response[bytes] | Stream:
        named_json = session_id.endswith(".json") and not _known(store, session_id)
        if named_json or wants_json(request, by_suffix=False):
            return _whole(store, session_id.removesuffix(".json") if named_json else session_id)
        return _answer(request, session_id, lambda query: renderer.page("session/page.html", **context(store, query)))

    def state(request: _Request, session_id: FromPath[str]) -> Response[bytes]:
        def answer(query: Query) -> Response[bytes]:
            if wants_json(request):
                return json_response(_state(store, query))
            return renderer.page("session/_state.html", **state_context(store, query))

        return _answer(request, session_id, answer)

    def event_rows(request: _Request, session_id: FromPath[str]) -> Response[bytes]:
        def answer(query: Query) -> Response[bytes]:
            about = store.session(session_id, ())
            start, end = axis.span(about, datetime.now(UTC))
            view = axis.view(query.begin, query.end, (end - start).total_seconds())
            if wants_json(request):
                return json_response(events.page(store, query, start, view, events.LATER_PAGES))
            rows = events_context(store, query, start, view, events.LATER_PAGES)
            return renderer.page("session/_event_rows.html", **parts(about, query, start), **rows)

        return _answer(request, session_id, answer)

    @get("/sessions/{session_id:str}/timeline.json", include_in_schema=False, sync_to_thread=True)
    def timeline(
        request: _Request, session_id: FromPath[str], buckets: FromQuery[int] = axis.BUCKETS
    ) -> Response[bytes]:
        return _answer(
            request,
            session_id,
            lambda query: json_response(
                data.picture(store, session_id, query.begin, query.end, buckets, query.lanes or ())
            ),
        )

    @get("/sessions/{session_id:str}/events/{name:str}", include_in_schema=False, sync_to_thread=True)
    def event(session_id: FromPath[str], name: FromPath[str]) -> Response[bytes]:
        number = name.removesuffix(".json")
        try:
            return json_response(store.event(session_id, int(number)).event)
        except (LookupError, ValueError, OverflowError):
            raise PageError(404, "There is no such event.", "Its session may have been deleted.") from None

    @get("/sessions/{session_id:str}/compare", include_in_schema=False, sync_to_thread=True)
    def compare(session_id: FromPath[str]) -> Redirect:
        """Leads to this session under one that ended well: found when it is asked for, no page waits for it."""
        try:
            other = counterpart(store, store.session(session_id, ()))
        except UnknownSession:
            raise _unknown_session() from None
        ids = [session_id] if other is None else [other, session_id]
        return Redirect("/compare?" + urlencode([("ids", one) for one in ids]), status_code=303)

    # Each address has a handler of its own: Litestar would wrap one of several addresses several times.
    both = [
        get(f"/sessions/{{session_id:str}}/{name}{suffix}", include_in_schema=False, sync_to_thread=True)(part)
        for name, part in (("state", state), ("events", event_rows))
        for suffix in ("", ".json")
    ]
    return [session, *both, timeline, event, compare]


def _answer(request: _Request, session_id: str, answer: Callable[[Query], Response[bytes]]) -> Response[bytes]:
    """What is answered to an address; an error page for one that asks for what there is not."""
    try:
        return answer(read_query(session_id, request.query_params))
    except UnknownSession:
        raise _unknown_session() from None
    except WrongQuestion as error:
        raise PageError(400, "These events cannot be shown.", f"{error}. Open the session without a filter.") from None


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


def _state(store: Store, query: Query) -> Any:
    start, end = axis.span(store.session(query.session_id, ()), datetime.now(UTC))
    at = axis.instant(query.at, (end - start).total_seconds())
    return store.state(query.session_id, None if at is None else start + timedelta(seconds=at))
