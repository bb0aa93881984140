"""Sessions under one another on an axis from the start of each, and what differs between them."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler

from datacat_server.model import SessionSummary
from datacat_server.store.comparison import FEWEST_SESSIONS, MOST_SESSIONS, StateRow
from datacat_server.store.protocol import Store, UnknownSession
from datacat_server.web.shell.errors import PageError
from datacat_server.web.shell.negotiation import json_response, wants_json
from datacat_server.web.shell.rendering import Renderer

PARTS = 120
WIDTH, HEIGHT = 600, 30


@dataclass(frozen=True)
class Lane:
    """A session on the common axis: `width` of WIDTH it lived, and when it was busy, as an SVG path.

    `letter` names it in the tables.
    """

    letter: str
    session: SessionSummary
    seconds: float
    width: float
    density: str


def compare_routes(store: Store, renderer: Renderer) -> list[HTTPRouteHandler]:
    """`/compare?ids=a,b`, or `ids=a&ids=b`, as the list of sessions asks."""

    def compare(request: Request[Any, Any, Any]) -> Response[bytes]:
        given = request.query_params.getall("ids", [])
        ids = list(dict.fromkeys(one for some in given for one in some.split(",") if one))
        if not FEWEST_SESSIONS <= len(ids) <= MOST_SESSIONS:
            raise PageError(
                400,
                "These sessions cannot be compared.",
                f"Choose {FEWEST_SESSIONS} to {MOST_SESSIONS} in the list of sessions.",
            )
        try:
            found = store.compare(ids)
        except UnknownSession:
            raise PageError(404, "One of these sessions is not there.", "It may have been deleted.") from None
        if wants_json(request):
            return json_response(found)
        now = datetime.now(UTC)
        return renderer.page(
            "compare/page.html", found=found, lanes=_lanes(store, found.sessions, now), texts=_texts, now=now
        )

    return [get(path, include_in_schema=False, sync_to_thread=True)(compare) for path in ("/compare", "/compare.json")]


def _texts(row: StateRow) -> list[str | None]:
    """The values of a row as JSON text."""
    return [None if value is None else bytes(value).decode() for value in row.values]


def _lanes(store: Store, sessions: list[SessionSummary], now: datetime) -> list[Lane]:
    lived = [
        max(0.001, ((one.ended_at or (now if one.active else one.updated_at)) - one.created_at).total_seconds())
        for one in sessions
    ]
    busy = store.activity([one.id for one in sessions], PARTS)
    # One scale for all: bars are events a second.
    rates = [
        [count / seconds for count in (busy[one.id].events if one.id in busy else [])]
        for one, seconds in zip(sessions, lived, strict=True)
    ]
    most = max((rate for some in rates for rate in some), default=0) or 1
    longest = max(lived)
    lanes = []
    for at, (session, seconds, of_parts) in enumerate(zip(sessions, lived, rates, strict=True)):
        width = max(2.0, seconds / longest * WIDTH)
        step = width / PARTS
        density = "".join(
            f"M{part * step:.2f} {HEIGHT}v-{max(1.0, rate / most * (HEIGHT - 8)):.1f}h{step:.2f}V{HEIGHT}z"
            for part, rate in enumerate(of_parts)
            if rate
        )
        lanes.append(Lane(chr(ord("A") + at), session, seconds, width, density))
    return lanes
