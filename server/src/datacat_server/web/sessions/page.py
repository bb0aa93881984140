"""The page of all sessions: filters as a line and as chips, and a table whose rows can be chosen."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from litestar import Request, Response, get
from litestar.datastructures import Cookie
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery
from litestar.response import Redirect

from datacat_server.filters import parse_filter
from datacat_server.ingest.validate import LONGEST_NAME
from datacat_server.model import Status
from datacat_server.search_line import LONGEST, mistaken, read_line, write_line
from datacat_server.store.protocol import Store
from datacat_server.web.sessions import view
from datacat_server.web.sessions.completion import complete
from datacat_server.web.sessions.sparkline import Sparklines
from datacat_server.web.sessions.view import (
    COLUMNS,
    NEWEST_FIRST,
    USUAL,
    View,
    asked_columns,
    check_names,
    chosen_columns,
    parameters_of,
)
from datacat_server.web.shell.api_address import ApiAddress
from datacat_server.web.shell.errors import PageError
from datacat_server.web.shell.negotiation import json_response, wants_json
from datacat_server.web.shell.rendering import Renderer

PAGE_SIZE = 50
ALIKE = 8
COLUMNS_COOKIE = "datacat_columns"
_YEAR = 365 * 86400


def sessions_routes(store: Store, renderer: Renderer, address: ApiAddress) -> list[HTTPRouteHandler]:
    """The list as a page and as JSON, and what completes its search line."""
    sparklines = Sparklines(store)

    def sessions(request: Request[Any, Any, Any]) -> Response[Any]:
        asked = request.query_params
        shown = View(
            parameters=parameters_of(request.url.query),
            sort=asked.get("sort") or NEWEST_FIRST,
            cursor=asked.get("cursor") or None,
        )
        if asked.getall("column", []):
            return _choose_columns(request, shown)
        line = asked.get("search")
        try:
            check_names(asked)
            shown = replace(shown, columns=asked_columns(asked.get("columns", "")))
            if line is not None:
                # The same view by its plain parameters: an address to send to a colleague.
                return Redirect(_searched(shown, line).address(), status_code=303)
            wanted = parse_filter(shown.parameters)
            if wanted.product and len(wanted.product) > LONGEST_NAME:
                raise ValueError(f"No product has a name of more than {LONGEST_NAME} characters")
            page = store.sessions(wanted, sort=shown.sort, limit=PAGE_SIZE, cursor=shown.cursor)
        except ValueError as error:
            if wants_json(request):
                raise PageError(400, "This list cannot be shown.", f"{error}.") from None
            typed = write_line(shown.parameters) if line is None else line[:LONGEST]
            return renderer.page("sessions/wrong.html", 400, advice=str(error), line=typed)
        if wants_json(request):
            return json_response(page)
        columns = shown.columns or _kept_columns(request) or USUAL
        return renderer.page(
            "sessions/page.html",
            page=page,
            view=shown,
            columns=columns,
            all_columns=COLUMNS,
            line=write_line(shown.parameters),
            mistaken=mistaken(shown.parameters),
            statuses=list(Status),
            sparklines=sparklines.of(page.sessions) if "activity" in columns else {},
            now=datetime.now(UTC),
            deleted=asked.get("deleted", ""),
            api_address=address.seen_from(request),
            forwarded=address.is_forwarded(request),
            wider=shown.chips() if len(shown.parameters) > 1 and not page.sessions else [],
            alike=store.products(wanted.product, limit=ALIKE) if wanted.product and not page.sessions else [],
        )

    @get("/complete", include_in_schema=False, sync_to_thread=True)
    def completion(line: FromQuery[str] = "", caret: FromQuery[int] = 0) -> Response[bytes]:
        """What may stand in a search line at a place, for the script of the pages."""
        return json_response(complete(store, line[:LONGEST], caret))

    return [
        *(
            get(path, include_in_schema=False, sync_to_thread=True)(sessions)
            for path in ("/sessions", "/sessions.json")
        ),
        completion,
    ]


def _searched(shown: View, line: str) -> View:
    parameters = tuple(read_line(line))
    parse_filter(parameters)
    return View(parameters, shown.sort, shown.columns)


def _choose_columns(request: Request[Any, Any, Any], shown: View) -> Response[Any]:
    """Back to the list, which has these columns from now on in this browser."""
    names = chosen_columns(request.query_params.getall("column", [])) or USUAL
    plain = View(shown.parameters, shown.sort, None if names == USUAL else names, shown.cursor)
    cookie = Cookie(key=COLUMNS_COOKIE, value=",".join(names), max_age=_YEAR, httponly=True, samesite="lax")
    return Redirect(plain.address(), status_code=303, cookies=[cookie])


def _kept_columns(request: Request[Any, Any, Any]) -> tuple[str, ...]:
    return view.chosen_columns(request.cookies.get(COLUMNS_COOKIE, "").split(","))
