"""The page of all sessions, newest first."""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery

from datacat_server.filters import Filter
from datacat_server.ingest.validate import LONGEST_NAME
from datacat_server.model import SessionPage, Status
from datacat_server.store.protocol import Store
from datacat_server.web.errors import PageError
from datacat_server.web.negotiation import json_response, wants_json
from datacat_server.web.rendering import Renderer

PAGE_SIZE = 100


def sessions_address(**filters: str | None) -> str:
    """The address of the list with these filters."""
    query = urlencode({name: value for name, value in filters.items() if value})
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

    def sessions(
        request: Request[Any, Any, Any],
        status: FromQuery[str | None] = None,
        product: FromQuery[str | None] = None,
        cursor: FromQuery[str | None] = None,
    ) -> Response[bytes]:
        status, product, cursor = status or None, product or None, cursor or None
        if product and len(product) > LONGEST_NAME:
            raise PageError(
                400, "This list cannot be shown.", f"No product has a name of more than {LONGEST_NAME} characters."
            )
        try:
            page = store.sessions(Filter(product=product, status=status), limit=PAGE_SIZE, cursor=cursor)
        except ValueError as error:
            raise PageError(
                400, "This list cannot be shown.", f"{error}. Start again from the list of all sessions."
            ) from None
        if wants_json(request):
            return json_response(page)
        return renderer.page(
            "sessions.html",
            page=page,
            status=status,
            product=product,
            cursor=cursor,
            statuses=list(Status),
            address=sessions_address,
            api_address=api_address,
            now=datetime.now(UTC),
            products=_products(page),
            alike=_alike(store, product) if product and not page.sessions else [],
        )

    return [
        get(path, include_in_schema=False, sync_to_thread=True)(sessions) for path in ("/sessions", "/sessions.json")
    ]
