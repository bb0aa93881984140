"""The web UI as one application over a store."""

from pathlib import Path
from secrets import token_bytes
from typing import cast

from litestar import Litestar
from litestar.datastructures import CacheControlHeader, MutableScopeHeaders
from litestar.enums import ScopeType
from litestar.exceptions import HTTPException, InternalServerException
from litestar.static_files import create_static_files_router
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from datacat_server.access.admission import Admission
from datacat_server.access.scopes import PUBLIC
from datacat_server.access.secret import load_secret
from datacat_server.access.signing import Signer
from datacat_server.config import Config
from datacat_server.serving.application import Application
from datacat_server.serving.compression import compressing
from datacat_server.serving.head import without_body
from datacat_server.store.errors import StoreError
from datacat_server.store.protocol import Store
from datacat_server.telling import evidence
from datacat_server.web.compare.page import compare_routes
from datacat_server.web.metrics.page import metrics_routes
from datacat_server.web.overview.page import overview_routes
from datacat_server.web.problems.page import problems_routes
from datacat_server.web.releases.page import releases_routes
from datacat_server.web.session.page import session_routes
from datacat_server.web.sessions.chosen import chosen_routes
from datacat_server.web.sessions.page import sessions_routes
from datacat_server.web.settings.page import settings_routes
from datacat_server.web.shell.api_address import ApiAddress
from datacat_server.web.shell.census import Census
from datacat_server.web.shell.errors import ErrorPages, PageError
from datacat_server.web.shell.forms import Forms
from datacat_server.web.shell.live import live_routes
from datacat_server.web.shell.navigation import rooms_with_a_page
from datacat_server.web.shell.rendering import STATIC, Renderer
from datacat_server.web.shell.security import HEADERS
from datacat_server.web.shell.sign_in import SignIn


async def add_headers(message: Message, _: Scope) -> None:
    """Put the headers that every answer has on it, errors too; what has no caching rule of its own is not stored."""
    if message["type"] == "http.response.start":
        headers = MutableScopeHeaders.from_message(message)
        for name, value in HEADERS.items():
            headers[name] = value
        headers.setdefault("Cache-Control", "no-store")


def create_web(store: Store, config: Config) -> Litestar:
    """The pages over a store. Raises MissingBundle where their script and style were never built, and StoreError."""
    renderer = Renderer(signs_in=config.require_api_key, filters={"told": evidence.told})
    errors = ErrorPages(renderer)
    # Where nobody signs in, a secret for forms need not outlive this process.
    signer = Signer(load_secret(Path(config.data_path)) if config.require_api_key else token_bytes())
    forms = Forms(signer, renderer, config.web_port)
    sign_in = SignIn(Admission(store, config), signer, forms, config.web_port) if config.require_api_key else None

    address = ApiAddress(config)
    rooms = [
        *overview_routes(store, renderer, address),
        *sessions_routes(store, renderer, address),
        *chosen_routes(store, forms),
        *settings_routes(store, renderer, config, address),
        *session_routes(store, renderer),
        *problems_routes(store, renderer, forms),
        *releases_routes(store, renderer),
        *compare_routes(store, renderer),
        *metrics_routes(store, renderer),
    ]
    paths = {path for handler in rooms for path in handler.paths}
    renderer.offer(
        rooms=rooms_with_a_page(paths),
        paths=paths,
        active_sessions=Census(store).active,
    )

    app = Application(
        route_handlers=[
            *rooms,
            *live_routes(store),
            *(sign_in.routes() if sign_in else ()),
            create_static_files_router(
                path="/static",
                directories=[STATIC],
                opt={PUBLIC: True},
                cache_control=CacheControlHeader(max_age=31536000, immutable=True),
                # A name that no file can have, too long or with a NUL in it.
                exception_handlers={InternalServerException: errors.static_error, ValueError: errors.static_error},
            ),
        ],
        before_request=sign_in.admit if sign_in else None,
        before_send=[add_headers],
        exception_handlers={
            PageError: errors.page_error,
            HTTPException: errors.http_error,
            StoreError: errors.store_error,
            Exception: errors.unexpected,
        },
        openapi_config=None,
        logging_config=None,
    )
    app.asgi_handler = _answering_head(compressing(app.asgi_handler))
    return app


def _answering_head(app: ASGIApp) -> ASGIApp:
    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == ScopeType.HTTP and scope["method"] == "HEAD":
            await without_body(app, cast(HTTPScope, {**scope, "method": "GET"}), receive, send)
        else:
            await app(scope, receive, send)

    return answer
