"""The page of all sessions, newest first."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any
from urllib.parse import urlencode

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler

from datacat_server.filters import EVERY, parse_filter, to_query
from datacat_server.ingest.validate import LONGEST_NAME
from datacat_server.model import SessionPage, Status
from datacat_server.store.protocol import Store
from datacat_server.web.shell.errors import PageError
from datacat_server.web.shell.negotiation import json_response, wants_json
from datacat_server.web.shell.rendering import Renderer

PAGE_SIZE = 100
NEWEST_FIRST = "-created"


def sessions_address(kept: Sequence[tuple[str, str]] = (), **said: str | None) -> str:
    """The address of the list with what is said, and what is kept of the list that is shown."""
    query = urlencode([*((name, value) for name, value in said.items() if value), *kept])
    return f"/sessions?{query}" if query else "/sessions"


def _products(page: SessionPage) -> list[str]:
    return sorted({session.product for session in page.sessions})


def _alike(store: Store, product: str) -> list[str]:
    """The products of the newest sessions whose names hold what was looked for, or are part of it."""
    wanted = product.casefold()
    found = _products(store.sessions(limit=PAGE_SIZE))
    return [name for name in found if wanted in name.casefold() or name.casefold() in wanted]


def sessions_routes(store: Store, renderer: Renderer, api_address: str) -> list[HTTPRouteHandler]:
    """The list as a page and as JSON; `api_address` is where clients send to, for the example on the empty page."""

    def sessions(request: Request[Any, Any, Any]) -> Response[bytes]:
        asked = request.query_params
        cursor, sort = asked.get("cursor") or None, asked.get("sort") or NEWEST_FIRST
        try:
            wanted = parse_filter(asked.multi_items())
            if wanted.product and len(wanted.product) > LONGEST_NAME:
                raise ValueError(f"No product has a name of more than {LONGEST_NAME} characters")
            page = store.sessions(wanted, sort=sort, limit=PAGE_SIZE, cursor=cursor)
        except ValueError as error:
            raise PageError(
                400, "This list cannot be shown.", f"{error}. Start again from the list of all sessions."
            ) from None
        kept = [(name, value) for name, value in to_query(wanted) if name not in ("status", "product")]
        if sort != NEWEST_FIRST:
            kept.append(("sort", sort))
        status, product = wanted.status, wanted.product
        if wants_json(request):
            return json_response(page)
        return renderer.page(
            "sessions/page.html",
            page=page,
            status=status,
            product=product,
            cursor=cursor,
            filtered=wanted != EVERY,
            statuses=list(Status),
            address=partial(sessions_address, kept),
            api_address=api_address,
            now=datetime.now(UTC),
            products=_products(page),
            alike=_alike(store, product) if product and not page.sessions else [],
        )

    return [
        get(path, include_in_schema=False, sync_to_thread=True)(sessions) for path in ("/sessions", "/sessions.json")
    ]
