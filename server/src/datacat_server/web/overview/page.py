"""The first page: what runs, what is hung or crashed, how releases fare, and what is new."""

from datetime import timedelta
from functools import partial
from typing import Any
from urllib.parse import urlencode

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler

from datacat_server.store.protocol import Store
from datacat_server.store.releases import ReleaseCourse
from datacat_server.web.overview.figures import TREND_DAYS, Overview, read_overview
from datacat_server.web.overview.trend import Trend, trend
from datacat_server.web.shell.api_address import ApiAddress
from datacat_server.web.shell.negotiation import json_response, wants_json
from datacat_server.web.shell.rendering import Renderer


def overview_routes(store: Store, renderer: Renderer, address: ApiAddress) -> list[HTTPRouteHandler]:
    """The overview as a page and as JSON."""

    def overview(request: Request[Any, Any, Any]) -> Response[bytes]:
        shown = read_overview(store)
        if wants_json(request):
            return json_response(shown)
        return renderer.page(
            "overview/page.html",
            overview=shown,
            now=shown.now,
            trend_days=TREND_DAYS,
            crash_trend=partial(_trend, shown, lambda day: day.crash_free),
            hang_trend=partial(_trend, shown, lambda day: day.hang_free),
            sessions_address=sessions_address,
            api_address=address.seen_from(request),
            forwarded=address.is_forwarded(request),
        )

    return [get(path, include_in_schema=False, sync_to_thread=True)(overview) for path in ("/", "/overview.json")]


def sessions_address(**filters: str) -> str:
    """The list of the sessions of a filter."""
    return f"/sessions?{urlencode(filters)}"


def _trend(shown: Overview, share: Any, course: ReleaseCourse) -> Trend | None:
    # Its own last days: a release that is no longer used has a course too.
    last = max(day.day for day in course.days) if course.days else shown.now.date()
    return trend(course.days, share, last - timedelta(days=TREND_DAYS - 1), last)
