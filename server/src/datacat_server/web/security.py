"""What every answer forbids the browser to do, and the key that a server may ask for.

A page asks for the key once and then holds a cookie. The cookie is not the key but a keyed digest of it, so that
what a browser stores opens the pages only, and only for as long as the key stays the same.
"""

import hashlib
import hmac
from typing import Annotated, Any, Protocol

from litestar import Request, Response, get, post
from litestar.datastructures import Cookie
from litestar.enums import RequestEncodingType
from litestar.handlers import HTTPRouteHandler
from litestar.params import Body, FromQuery
from litestar.response import Redirect

from datacat_server.web.negotiation import json_response, wants_json
from datacat_server.web.rendering import Renderer

COOKIE = "datacat_key"
COOKIE_SECONDS = 365 * 86400
OPEN_PATHS = ("/key", "/health")
OPEN_FOLDER = "/static/"

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class KeyConfig(Protocol):
    """The part of the server's configuration that is about the key."""

    @property
    def api_key(self) -> str | None: ...

    @property
    def require_api_key(self) -> bool: ...


class KeyCheck:
    """Knows whether a request may read the pages."""

    def __init__(self, config: KeyConfig) -> None:
        self._key = (config.api_key or "").encode() if config.require_api_key else None

    @property
    def cookie(self) -> str:
        """What the cookie of a browser that has given the key holds."""
        return hmac.new(self._key or b"", b"datacat web cookie", hashlib.sha256).hexdigest()

    def accepts(self, key: str) -> bool:
        """Whether this is the key; compared in a time that does not depend on it."""
        return bool(self._key) and hmac.compare_digest(key.encode(), self._key or b"")

    def admits(self, request: Request[Any, Any, Any]) -> bool:
        """Whether a request needs no key, or carries it as a cookie or as `Authorization: Bearer`."""
        if self._key is None or request.url.path in OPEN_PATHS or request.url.path.startswith(OPEN_FOLDER):
            return True
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and self.accepts(given.strip()):
            return True
        cookie = request.cookies.get(COOKIE, "")
        return bool(self._key) and hmac.compare_digest(cookie.encode(), self.cookie.encode())


def local_path(address: str) -> str:
    """The address if it is a path on this server, else the start page: a form must not lead anywhere else."""
    plain = address.startswith("/") and not address.startswith(("//", "/\\")) and address.isprintable()
    return address if plain else "/sessions"


def key_routes(check: KeyCheck, renderer: Renderer) -> list[HTTPRouteHandler]:
    """The page that asks for the key, and where its form goes."""

    @get("/key", include_in_schema=False, sync_to_thread=False)
    def ask(next: FromQuery[str] = "/sessions") -> Response[bytes]:
        return renderer.page("key.html", next=local_path(next), wrong=False)

    @post("/key", include_in_schema=False, sync_to_thread=False)
    def take(
        request: Request[Any, Any, Any],
        data: Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)],
    ) -> Response[Any]:
        target = local_path(data.get("next", ""))
        if not check.accepts(data.get("key", "")):
            return renderer.page("key.html", status_code=401, next=target, wrong=True)
        cookie = Cookie(
            key=COOKIE,
            value=check.cookie,
            max_age=COOKIE_SECONDS,
            httponly=True,
            samesite="lax",
            secure=request.url.scheme == "https",
        )
        return Redirect(target, status_code=303, cookies=[cookie])

    return [ask, take]


def refuse(request: Request[Any, Any, Any], renderer: Renderer) -> Response[bytes]:
    """The answer to a request that needs the key and does not have it."""
    if wants_json(request) or request.url.path == "/live":
        details = "Send the API key as 'Authorization: Bearer <key>'."
        return json_response({"error": "unauthorized", "details": details}, 401)
    query = f"?{request.url.query}" if request.url.query else ""
    return renderer.page("key.html", status_code=401, next=local_path(request.url.path + query), wrong=False)
