"""Releases: their share of the sessions, and how these fared, day by day, as HTML and as JSON."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler

from datacat_server.store.protocol import Store
from datacat_server.store.releases import SORTS, ReleaseCourse, ReleaseDay
from datacat_server.web.shell.errors import PageError
from datacat_server.web.shell.negotiation import json_response, wants_json
from datacat_server.web.shell.rendering import Renderer

PAGE_SIZE = 50
DRAWN = 5
DAYS = 30
WIDTH, HEIGHT = 600, 90


@dataclass(frozen=True)
class Drawn:
    """A release's lines in boxes of WIDTH by HEIGHT, 0 to 100 percent, each an SVG path; `figures`: the last days."""

    course: ReleaseCourse
    adoption: str
    crash_free: str
    hang_free: str
    figures: list[tuple[ReleaseDay, float]]


def releases_address(product: str | None, **more: str | None) -> str:
    """The address of the releases (of a product)."""
    query = urlencode([(name, value) for name, value in {"product": product, **more}.items() if value])
    return f"/releases?{query}" if query else "/releases"


def releases_routes(store: Store, renderer: Renderer) -> list[HTTPRouteHandler]:
    """`/releases`; with `product=` their courses too."""

    def releases(request: Request[Any, Any, Any]) -> Response[bytes]:
        asked = request.query_params
        product, sort, cursor = asked.get("product") or None, asked.get("sort") or "-last_seen", asked.get("cursor")
        try:
            page = store.releases(product, sort=sort, limit=PAGE_SIZE, cursor=cursor or None)
        except ValueError as error:
            raise PageError(400, "These releases cannot be shown.", f"{error}. All are at /releases.") from None
        if wants_json(request):
            return json_response(page)
        now = datetime.now(UTC)
        products = sorted({release.product for release in page.releases})
        # Of several products the lines would say nothing.
        only = products[0] if len(products) == 1 and not cursor else None
        return renderer.page(
            "releases/page.html",
            page=page,
            product=product,
            sort=sort,
            sorts=SORTS,
            cursor=cursor,
            products=products,
            address=releases_address,
            drawn=_drawn(store, only, now.date()) if only else [],
            now=now,
        )

    return [
        get(path, include_in_schema=False, sync_to_thread=True)(releases) for path in ("/releases", "/releases.json")
    ]


def _drawn(store: Store, product: str, last: date) -> list[Drawn]:
    """The courses of the releases seen last. Shares are of the sessions of these."""
    newest = store.releases(product, limit=DRAWN).releases
    courses = [store.release(product, release.version, days=DAYS) for release in newest]
    first = last - timedelta(days=DAYS - 1)
    totals: dict[date, int] = {}
    for course in courses:
        for day in course.days:
            totals[day.day] = totals.get(day.day, 0) + day.sessions
    drawn = []
    for course in courses:
        shown = [day for day in course.days if first <= day.day <= last]
        shares = [100 * day.sessions / totals[day.day] for day in shown]
        places = [(day.day - first).days for day in shown]
        drawn.append(
            Drawn(
                course,
                _path(places, shares),
                _path(places, [day.crash_free for day in shown]),
                _path(places, [day.hang_free for day in shown]),
                list(zip(shown, shares, strict=True))[::-1],
            )
        )
    return drawn


def _path(places: list[int], percents: list[float]) -> str:
    """A line through days; one by itself is as wide as a day."""
    step = WIDTH / (DAYS - 1)
    points = [(at * step, HEIGHT * (1 - percent / 100)) for at, percent in zip(places, percents, strict=True)]
    if len(points) == 1:
        [(x, y)] = points
        points = [(x - step / 2, y), (x + step / 2, y)]
    return "".join(f"{'L' if at else 'M'}{x:.1f} {y:.1f}" for at, (x, y) in enumerate(points))
