"""Releases: their share of the sessions, and how these fared, over time and against the version before."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler
from msgspec import Struct

from datacat_server.store.protocol import Store
from datacat_server.store.releases import Health, Release, ReleaseHistory
from datacat_server.web.releases.courses import LEAST_DRAWN, OTHERS, draw, floor
from datacat_server.web.releases.interval import Difference, Share, difference
from datacat_server.web.shell.errors import PageError
from datacat_server.web.shell.negotiation import json_response, wants_json
from datacat_server.web.shell.rendering import Renderer

PAGE_SIZE = 50
DRAWN = 5
SPANS = {"7": "7 days", "30": "30 days", "90": "90 days", "all": "all time"}
NEWEST_FIRST = "-last_seen"
NEWEST_OF_EACH = 3
"""So many versions of each product are shown where all products are."""
_PRODUCTS = 30


class ReleasesView(Struct, frozen=True):
    """The page for machines; `history`: of the product, where there is just one."""

    releases: list[Release]
    cursor: str | None
    history: ReleaseHistory | None


@dataclass(frozen=True)
class Group:
    """The newest versions of a product, the newest first; `more`: there are others."""

    product: str
    releases: list[Release]
    more: bool


def releases_address(said: dict[str, str | None], **changes: str | None) -> str:
    """The address of the releases with some of what is said changed, from the first page on."""
    query = urlencode([(name, value) for name, value in (said | changes).items() if value])
    return f"/releases?{query}" if query else "/releases"


def crash_free(health: Health) -> Share:
    return Share(health.sessions - health.crashed, health.sessions)


def hang_free(health: Health) -> Share:
    return Share(health.sessions - health.hung, health.sessions)


def releases_routes(store: Store, renderer: Renderer) -> list[HTTPRouteHandler]:
    """`/releases`; with `product=` their courses too."""

    def releases(request: Request[Any, Any, Any]) -> Response[bytes]:
        asked = request.query_params
        said = {name: asked.get(name) or None for name in ("product", "days", "sort")}
        product, cursor, sort = said["product"], asked.get("cursor") or None, said["sort"] or NEWEST_FIRST
        days = said["days"] or "30"
        try:
            if days not in SPANS:
                raise ValueError(f"days: expected one of {', '.join(SPANS)}")
            page = store.releases(product, sort=sort, limit=PAGE_SIZE, cursor=cursor)
        except ValueError as error:
            raise PageError(400, "These releases cannot be shown.", f"{error}. All are at /releases.") from None
        now = datetime.now(UTC)
        products = store.products(limit=_PRODUCTS)
        # Of several products the lines would say nothing.
        only = page.releases[0].product if page.releases and (product or len(products) == 1) and not cursor else None
        history = None
        if only is not None:
            history = store.release_history(only, now.date(), days=None if days == "all" else int(days), versions=DRAWN)
        newest = _newest(store, page.releases, only)
        groups = []
        # Whoever asks for an order gets one list; so does who has more products than can be looked at one by one.
        if not (product or said["sort"] or cursor or wants_json(request)) and 1 < len(products) < _PRODUCTS:
            groups = [_group(store, one) for one in products]
        shown = [one for group in groups for one in group.releases] or page.releases
        if wants_json(request):
            return json_response(ReleasesView(page.releases, page.cursor, history))
        return renderer.page(
            "releases/page.html",
            page=page,
            product=product,
            sorted_by=said["sort"] or ("" if groups else NEWEST_FIRST),
            days=days,
            spans=SPANS,
            cursor=cursor,
            products=products if product is None or product in products else [product, *products],
            address=lambda **changes: releases_address(said, **changes),
            history=history,
            drawn=draw(history) if history and history.days else None,
            others=OTHERS,
            least_drawn=LEAST_DRAWN,
            versions_at={course.version: at for at, course in enumerate(history.courses)} if history else {},
            newest=newest,
            groups=groups,
            worst=worst([group.releases[0] for group in groups if group.releases]),
            floor=floor(percent for one in shown for percent in (crash_free(one).low, hang_free(one).low)),
            crash_free=crash_free,
            hang_free=hang_free,
            compared=compared,
            now=now,
        )

    return [
        get(path, include_in_schema=False, sync_to_thread=True)(releases) for path in ("/releases", "/releases.json")
    ]


def compared(release: Release) -> tuple[Difference, Difference] | None:
    """Crash-free and hang-free against the version before; None where there is none."""
    before = release.before
    if before is None:
        return None
    return difference(crash_free(release), crash_free(before)), difference(hang_free(release), hang_free(before))


def worst(newest: list[Release]) -> Release | None:
    """The one of which most sessions crashed or hung; None where of each there are too few sessions to tell."""
    return min(
        (one for one in newest if not crash_free(one).few),
        key=lambda one: (min(one.crash_free, one.hang_free), one.crash_free),
        default=None,
    )


def _group(store: Store, product: str) -> Group:
    page = store.releases(product, sort="-first_seen", limit=NEWEST_OF_EACH)
    return Group(product, sorted(page.releases, key=lambda one: not one.is_newest), page.cursor is not None)


def _newest(store: Store, shown: list[Release], product: str | None) -> Release | None:
    """The newest version of the product that the page is about."""
    if product is None:
        return None
    some = next((one for one in shown if one.is_newest), None)
    if some is not None:
        return some
    return next(
        (one for one in store.releases(product, sort="-first_seen", limit=PAGE_SIZE).releases if one.is_newest), None
    )
