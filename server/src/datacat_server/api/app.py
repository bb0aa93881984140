"""The REST API as one ASGI application."""

from litestar import Litestar, get
from litestar.di import Provide

from datacat_server import __version__
from datacat_server.api import ingest, records, sessions
from datacat_server.api.auth import PUBLIC, key_guard
from datacat_server.api.errors import EXCEPTION_HANDLERS
from datacat_server.config import Config
from datacat_server.ingest.decode import LARGEST_BODY
from datacat_server.store.protocol import Store


@get("/health", opt={PUBLIC: True})
async def health() -> dict[str, str]:
    """That the server answers; never needs a key."""
    return {"status": "healthy", "service": "datacat-server", "version": __version__}


def create_api(store: Store, config: Config) -> Litestar:
    """The API over a store. The caller closes the store."""
    return Litestar(
        route_handlers=[health, sessions.router, records.router, ingest.ingest],
        dependencies={"store": Provide(lambda: store, sync_to_thread=False)},
        guards=[key_guard(config)],
        exception_handlers=EXCEPTION_HANDLERS,
        request_max_body_size=LARGEST_BODY,
        openapi_config=None,
        logging_config=None,
    )
