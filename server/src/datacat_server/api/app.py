"""The REST API as one ASGI application."""

from litestar import Litestar, get
from litestar.datastructures import MutableScopeHeaders
from litestar.di import Provide
from litestar.types import Message, Scope

from datacat_server import __version__
from datacat_server.access.admission import Admission
from datacat_server.access.scopes import PUBLIC
from datacat_server.api import exchange, ingest, records, sessions
from datacat_server.api.auth import key_guard
from datacat_server.api.errors import EXCEPTION_HANDLERS
from datacat_server.api.filtering import FILTER, provide_filter
from datacat_server.api.openapi.routes import schema_router
from datacat_server.api.query import refuse_unknown_parameters
from datacat_server.config import Config
from datacat_server.ingest.decode import LARGEST_BODY
from datacat_server.store.protocol import Store


@get("/health", opt={PUBLIC: True})
async def health() -> dict[str, str]:
    """That the server answers; never needs a key."""
    return {"status": "healthy", "service": "datacat-server", "version": __version__}


async def add_headers(message: Message, scope: Scope) -> None:
    """What every answer has, errors too: its type is not to be guessed, and it is of this moment only.

    But for those to daemons: nothing that shows or keeps answers asks for them, and they are half of what travels.
    """
    if message["type"] == "http.response.start" and scope["path"] != "/api/ingest":
        headers = MutableScopeHeaders.from_message(message)
        headers["X-Content-Type-Options"] = "nosniff"
        headers.setdefault("Cache-Control", "no-store")
        if "GET" in (allowed := headers.get("Allow", "").split(", ")):
            headers["Allow"] = ", ".join(sorted({*allowed, "HEAD"}))


def create_api(store: Store, config: Config) -> Litestar:
    """The API over a store. The caller closes the store."""
    return Litestar(
        route_handlers=[
            health,
            sessions.router,
            records.router,
            ingest.ingest,
            exchange.router,
            schema_router(requires_key=config.require_api_key),
        ],
        dependencies={"store": Provide(lambda: store, sync_to_thread=False), FILTER: provide_filter},
        guards=[key_guard(Admission(store, config))],
        before_request=refuse_unknown_parameters,
        before_send=[add_headers],
        exception_handlers=EXCEPTION_HANDLERS,
        request_max_body_size=LARGEST_BODY,
        openapi_config=None,
        logging_config=None,
    )
