"""The REST API as one ASGI application."""

from litestar import Litestar, Router, get
from litestar.datastructures import MutableScopeHeaders
from litestar.di import Provide
from litestar.enums import ScopeType
from litestar.types import Message, Scope

from datacat_server import __version__
from datacat_server.access.admission import Admission
from datacat_server.access.scopes import PUBLIC
from datacat_server.api import (
    alerts,
    arrivals,
    compare,
    exchange,
    grafana,
    ingest,
    metrics,
    problems,
    records,
    releases,
    session_views,
    sessions,
)
from datacat_server.api.auth import key_guard
from datacat_server.api.errors import EXCEPTION_HANDLERS, allow_header
from datacat_server.api.event_filtering import EVENTS_WANTED, provide_events_wanted
from datacat_server.api.filtering import FILTER, provide_filter
from datacat_server.api.openapi.routes import schema_router
from datacat_server.api.prometheus import RequestFigures, create_registry, metrics_router
from datacat_server.api.query import refuse_unknown_parameters
from datacat_server.api.requests import Requests
from datacat_server.api.shortcut import Shortcut
from datacat_server.config import Config
from datacat_server.ingest.decode import LARGEST_BODY
from datacat_server.serving.application import Application
from datacat_server.store.protocol import Store


@get("/health", opt={PUBLIC: True})
async def health() -> dict[str, str]:
    """That the server answers; never needs a key."""
    return {"status": "healthy", "service": "datacat-server", "version": __version__}


def allow(app: Litestar, path_template: str) -> str:
    """The methods of an address as the header `Allow` has them. Litestar's own answer names those of one handler."""
    methods = {str(method) for route in app.routes if route.path_format == path_template for method in route.methods}
    return allow_header(methods)


async def add_headers(message: Message, scope: Scope) -> None:
    """What every answer has, errors too: its type is not to be guessed, and it is of this moment only.

    But for those to daemons: nothing that shows or keeps answers asks for them, and they are half of what travels.
    """
    if message["type"] == "http.response.start" and scope["path"] != "/api/ingest":
        headers = MutableScopeHeaders.from_message(message)
        headers["X-Content-Type-Options"] = "nosniff"
        headers.setdefault("Cache-Control", "no-store")
        if scope["type"] == ScopeType.HTTP and scope["method"] == "OPTIONS" and "path_template" in scope:
            headers["Allow"] = allow(scope["litestar_app"], scope["path_template"])


def create_api(store: Store, config: Config) -> Litestar:
    """The API over a store. The caller closes the store."""
    registry = create_registry(store)
    guard = key_guard(Admission(store, config))
    app = Application(
        route_handlers=[
            health,
            sessions.router,
            grafana.grafana_sessions,
            problems.router,
            releases.router,
            compare.router,
            # One router: each would answer OPTIONS for the addresses that they share.
            Router("/api/sessions/{session_id:str}", route_handlers=[*records.handlers, *session_views.handlers]),
            metrics.router,
            arrivals.router,
            ingest.ingest,
            exchange.router,
            alerts.router,
            metrics_router(registry),
            schema_router(requires_key=config.require_api_key),
        ],
        dependencies={
            "store": Provide(lambda: store, sync_to_thread=False),
            FILTER: provide_filter,
            EVENTS_WANTED: provide_events_wanted,
        },
        guards=[guard],
        before_request=refuse_unknown_parameters,
        before_send=[add_headers],
        exception_handlers=EXCEPTION_HANDLERS,
        request_max_body_size=LARGEST_BODY,
        openapi_config=None,
        logging_config=None,
    )
    # Around the routing: a request that fits no call counts as well.
    app.asgi_handler = Requests(
        Shortcut(app.asgi_handler, store, guard), RequestFigures(registry), [route.path for route in app.routes]
    )
    return app
