"""Sessions under one another on an axis from the start of each, and what differs between them."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import msgspec
from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.response import Redirect

from datacat_server.filters import Filter, parse_filter
from datacat_server.model import Session, SessionSummary, Status
from datacat_server.search_line import LONGEST, read_line
from datacat_server.store.comparison import FEWEST_SESSIONS, Comparison
from datacat_server.store.protocol import Store, UnknownSession
from datacat_server.web.compare import differences, overlays, words
from datacat_server.web.compare.asked import MOST, Asked, read_asked
from datacat_server.web.compare.lanes import lanes, shorter
from datacat_server.web.session.timeline.axis import ticks
from datacat_server.web.shell.errors import PageError
from datacat_server.web.shell.negotiation import json_response, wants_json
from datacat_server.web.shell.rendering import Renderer

FOUND = 10
NEAREST = 3
MOST_TELLING = 4


def compare_routes(store: Store, renderer: Renderer) -> list[HTTPRouteHandler]:
    """`/compare?ids=a,b`, or `ids=a&ids=b`, as the list of sessions asks; `metrics=` chooses what is drawn."""

    def compare(request: Request[Any, Any, Any]) -> Response[Any]:
        params = request.query_params
        asked = read_asked(
            params.getall("ids", []), params.getall("metrics", []), params.get("search"), params.get("until")
        )
        if asked.search and _is_session(store, asked.search.strip()):
            added = asked.with_session(asked.search.strip())
            return Redirect(replace(added, ids=added.ids[:MOST], search=None).address(), status_code=303)
        there = [session for one in asked.ids if (session := _session(store, one)) is not None]
        known = {session.id for session in there}
        missing = [one for one in asked.ids if one not in known]
        here = replace(asked, ids=tuple(session.id for session in there))
        try:
            found = store.compare(here.ids) if len(there) >= FEWEST_SESSIONS else None
        except UnknownSession:
            raise PageError(404, "One of these sessions was just deleted.", "Load the page again.") from None
        if wants_json(request):
            return _json(found, missing, asked)
        return _page(store, renderer, here, there, found, missing)

    return [get(path, include_in_schema=False, sync_to_thread=True)(compare) for path in ("/compare", "/compare.json")]


def _session(store: Store, session_id: str) -> Session | None:
    try:
        return store.session(session_id, ())
    except UnknownSession:
        return None


def _is_session(store: Store, text: str) -> bool:
    return _session(store, text) is not None


def _json(found: Comparison | None, missing: list[str], asked: Asked) -> Response[bytes]:
    if found is None:
        advice = f"Name {FEWEST_SESSIONS} to {MOST} that are there, as ids=."
        raise PageError(404 if missing else 400, "These sessions cannot be compared.", advice)
    return json_response({**msgspec.structs.asdict(found), "missing": missing, "beyond": asked.beyond})


def _page(
    store: Store,
    renderer: Renderer,
    asked: Asked,
    there: list[Session],
    found: Comparison | None,
    missing: list[str],
) -> Response[bytes]:
    now = datetime.now(UTC)
    candidates, wrong = _candidates(store, asked, there)
    context: dict[str, Any] = {
        "asked": asked,
        "now": now,
        "missing": missing,
        "most": MOST,
        "candidates": candidates,
        "wrong": wrong,
        "there": there,
        "search": (asked.search or "")[:LONGEST],
    }
    if found is None:
        return renderer.page("compare/choose.html", **context)
    try:
        drawn, axis = lanes(store, there, now, asked.until)
        offered = overlays.offered(found.metrics)
        chosen = overlays.chosen(offered, asked)
        lines = [overlays.overlay(store, row, drawn, axis) for row in chosen]
    except UnknownSession:
        raise PageError(404, "One of these sessions was just deleted.", "Load the page again.") from None
    parts = [
        differences.states(found.state, cut=found.state_is_cut),
        differences.metrics(found.metrics, cut=found.metrics_are_cut),
        differences.events(found.events, cut=found.events_are_cut),
        differences.machines(drawn),
        differences.sampled(found.metrics),
    ]
    return renderer.page(
        "compare/page.html",
        lanes=drawn,
        axis=axis,
        ticks=ticks(axis),
        shorter=shorter(drawn),
        overlays=lines,
        choices=overlays.choices(offered, chosen, asked),
        parts=parts,
        outcome=words.outcome(drawn),
        differ=words.differences(parts),
        telling=differences.telling(found.state, there)[:MOST_TELLING],
        **context,
    )


def _candidates(store: Store, asked: Asked, there: list[Session]) -> tuple[list[SessionSummary], str]:
    """Sessions that may be added, and what is wrong with what was asked for."""
    if len(asked.ids) >= MOST:
        return [], ""
    try:
        if asked.search:
            wanted = parse_filter(read_line(asked.search))
        else:
            wanted = Filter(product=there[0].product) if there else Filter()
        page = store.sessions(wanted, limit=FOUND + len(asked.ids))
    except ValueError as error:
        return [], f"{error}."
    nearest = _nearest(store, there[0]) if there and not asked.search else []
    ordered = {one.id: one for one in [*nearest, *page.sessions] if one.id not in asked.ids}
    return list(ordered.values())[:FOUND], ""


def _nearest(store: Store, session: Session) -> list[SessionSummary]:
    """What one compares with most: sessions of the same version that ended well, the nearest in time first."""
    alike = Filter(product=session.product, version=session.version, status=Status.ENDED)
    sooner = store.sessions(msgspec.structs.replace(alike, end=session.created_at), limit=NEAREST)
    later = store.sessions(msgspec.structs.replace(alike, start=session.created_at), sort="created", limit=NEAREST + 1)
    found = [one for one in [*sooner.sessions, *later.sessions] if one.id != session.id]
    return sorted(found, key=lambda one: abs(one.created_at - session.created_at))[:NEAREST]
