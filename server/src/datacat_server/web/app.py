"""The web UI as one application over a store."""

from typing import Any

from litestar import Litestar, Request, Response, get
from litestar.config.compression import CompressionConfig
from litestar.datastructures import CacheControlHeader, MutableScopeHeaders
from litestar.exceptions import HTTPException, InternalServerException
from litestar.response import Redirect
from litestar.static_files import create_static_files_router
from litestar.types import Message, Scope

from datacat_server.config import Config
from datacat_server.store.errors import StoreError
from datacat_server.store.protocol import Store
from datacat_server.web.errors import ErrorPages, PageError
from datacat_server.web.live import live_routes
from datacat_server.web.rendering import STATIC, Renderer
from datacat_server.web.security import HEADERS, KeyCheck, key_routes, refuse
from datacat_server.web.session import session_routes
from datacat_server.web.sessions import sessions_routes


@get("/", include_in_schema=False, sync_to_thread=False)
def start() -> Redirect:
    """The list of sessions is the first page."""
    return Redirect("/sessions")


async def add_headers(message: Message, _: Scope) -> None:
    """Put the headers that every answer has on it, errors too; what has no caching rule of its own is not stored."""
    if message["type"] == "http.response.start":
        headers = MutableScopeHeaders.from_message(message)
        for name, value in HEADERS.items():
            headers[name] = value
        headers.setdefault("Cache-Control", "no-store")


def api_address(config: Config) -> str:
    """Where a client on this machine sends to."""
    scheme = "https" if config.tls_cert_file else "http"
    host = "localhost" if config.host in ("", "127.0.0.1", "0.0.0.0", "::", "::1") else config.host
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{config.server_port}"


def create_web(store: Store, config: Config) -> Litestar:
    """The pages over a store. Raises MissingBundle where their script and style were never built."""
    renderer = Renderer()
    check = KeyCheck(config)
    errors = ErrorPages(renderer)
    example_address = api_address(config)

    def before_request(request: Request[Any, Any, Any]) -> Response[bytes] | None:
        return None if check.admits(request) else refuse(request, renderer)

    return Litestar(
        route_handlers=[
            start,
            *sessions_routes(store, renderer, example_address),
            *session_routes(store, renderer),
            *live_routes(store),
            *key_routes(check, renderer),
            create_static_files_router(
                path="/static",
                directories=[STATIC],
                cache_control=CacheControlHeader(max_age=31536000, immutable=True),
                # A name that no file can have, too long or with a NUL in it.
                exception_handlers={InternalServerException: errors.static_error, ValueError: errors.static_error},
            ),
        ],
        before_request=before_request,
        before_send=[add_headers],
        compression_config=CompressionConfig(backend="gzip", gzip_compress_level=5, exclude=["^/live"]),
        exception_handlers={
            PageError: errors.page_error,
            HTTPException: errors.http_error,
            StoreError: errors.store_error,
            Exception: errors.unexpected,
        },
        openapi_config=None,
        logging_config=None,
    )
