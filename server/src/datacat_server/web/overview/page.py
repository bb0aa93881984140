"""The first page: what runs, what is hung or crashed, how releases fare, and what is new."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler

from datacat_server.store.protocol import Store
from datacat_server.store.releases import ReleaseCourse, ReleaseDay
from datacat_server.web.overview.figures import TREND_DAYS, Overview, read_overview
from datacat_server.web.overview.trend import Trend, lowest, trend
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
            crash_trend=_trends(shown, lambda day: day.crash_free),
            hang_trend=_trends(shown, lambda day: day.hang_free),
            sessions_address=sessions_address,
            api_address=address.seen_from(request),
            forwarded=address.is_forwarded(request),
        )

    return [get(path, include_in_schema=False, sync_to_thread=True)(overview) for path in ("/", "/overview.json")]


def sessions_address(**filters: str) -> str:
    """The list of the sessions of a filter."""
    return f"/sessions?{urlencode(filters)}"


def _trends(shown: Overview, share: Callable[[ReleaseDay], float]) -> Callable[[ReleaseCourse], Trend | None]:
    """Draws the course of a share of each release, all on one scale: what looks as low is as low."""
    spans = {(one.product, one.version): _last_days(shown, one) for one in shown.releases}
    low = lowest(share(day) for days in spans.values() for day in days)

    def trend_of(course: ReleaseCourse) -> Trend | None:
        days = spans[course.product, course.version]
        if not days:
            return None
        return trend(days, share, days[-1].day - timedelta(days=TREND_DAYS - 1), days[-1].day, low)

    return trend_of


def _last_days(shown: Overview, course: ReleaseCourse) -> list[ReleaseDay]:
    """Its own last days: a release that is no longer used has a course too."""
    last = max((day.day for day in course.days), default=shown.now.date())
    return [day for day in course.days if day.day > last - timedelta(days=TREND_DAYS)]
