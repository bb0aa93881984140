"""The page of settings, as HTML and as JSON."""

from datetime import UTC, datetime
from typing import Any

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler

from datacat_server.config import Config
from datacat_server.store.protocol import Store
from datacat_server.web.settings.facts import read_settings
from datacat_server.web.shell.api_address import ApiAddress
from datacat_server.web.shell.negotiation import json_response, wants_json
from datacat_server.web.shell.rendering import Renderer


def settings_routes(store: Store, renderer: Renderer, config: Config, address: ApiAddress) -> list[HTTPRouteHandler]:
    """`/settings`; it can only be read: what it shows is set where the server runs."""

    def settings(request: Request[Any, Any, Any]) -> Response[bytes]:
        shown = read_settings(store, config, address.seen_from(request))
        if wants_json(request):
            return json_response(shown)
        return renderer.page("settings/page.html", settings=shown, now=datetime.now(UTC))

    return [
        get(path, include_in_schema=False, sync_to_thread=True)(settings) for path in ("/settings", "/settings.json")
    ]
