"""Keeps other people's web pages away: a browser on this machine reaches its ports, whoever wrote the page it shows.

Two ways lead a foreign page here, and each is closed: a name of its own that points to 127.0.0.1 (the Host header
tells), and a form or script that sends without reading the answer (Origin, Sec-Fetch-Site and Content-Type tell).
Programs that are no browsers send none of these headers and are let through.
"""

from collections.abc import Callable
from urllib.parse import urlsplit

import msgspec
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPResponseBodyEvent, HTTPResponseStartEvent, HTTPScope, Receive, Scope, Send

from datacat_server.access.exposure import is_loopback
from datacat_server.config import Config

_HERE = frozenset({"localhost", "127.0.0.1", "::1"})
_READING = frozenset({"GET", "HEAD", "OPTIONS"})
_BODY_TYPES = frozenset(
    {
        "application/json",
        "application/x-ndjson",
        "application/ndjson",
        "application/x-www-form-urlencoded",  # what curl -d and urllib say of any body; a browser says its origin, too
    }
)


def guarded(create: Callable[[Config], ASGIApp], *, json_only: bool = False) -> Callable[[Config], "Guard"]:
    """Makes what creates an application into what creates it behind a guard."""
    return lambda config: Guard(create(config), config.host, web_url=config.web_url, json_only=json_only)


class Guard:
    """An ASGI application that refuses what a foreign web page sends, and hands on everything else.

    Where `host`, the address that is listened on, is not the loopback one, the names of the machine are not known,
    and any will do; else a proxy beside it may hand on the name in `web_url`, by which people reach it. `json_only`: a
    body has to be JSON by its Content-Type, or have none.
    """

    def __init__(self, app: ASGIApp, host: str, *, web_url: str | None = None, json_only: bool = False) -> None:
        self._app = app
        # None is what a Host has that cannot be read: it must not be among them.
        named = {_name_of((web_url or "").partition("://")[2])} - {None}
        self._hosts = _HERE | {host.lower()} | named if is_loopback(host) else None
        self._json_only = json_only

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        complaint = None
        if scope["type"] == ScopeType.HTTP:
            complaint = self._complaint(scope)
        if complaint is None:
            await self._app(scope, receive, send)
        else:
            await _refuse(send, complaint)

    def _complaint(self, scope: HTTPScope) -> str | None:
        headers = {name: value.decode("latin-1").strip() for name, value in scope["headers"]}
        host = headers.get(b"host", "")
        if self._hosts is not None and host and _name_of(host) not in self._hosts:
            return (
                f"host: {host[:200]!r} is no name of this server; ask it as localhost or 127.0.0.1, "
                "or set web_url to the address that a proxy has for it"
            )
        if scope["method"] in _READING:
            return None
        if not _same_origin(headers, host):
            return "origin: a page of another site may not change anything here"
        if self._json_only and _has_body(headers):
            kind = headers.get(b"content-type", "").partition(";")[0].strip().lower()
            if kind and kind not in _BODY_TYPES and not kind.endswith("+json"):
                return f"content-type: expected application/json (or application/x-ndjson), got {kind[:100]!r}"
        return None


def _name_of(host: str) -> str | None:
    """The name in a Host header, without the port."""
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None


def _same_origin(headers: dict[bytes, str], host: str) -> bool:
    """Whether a browser says that a page of this very server sends; no browser, nothing said, is as good."""
    site = headers.get(b"sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = headers.get(b"origin")
    return origin is None or origin.partition("://")[2].lower() == host.lower()


def _has_body(headers: dict[bytes, str]) -> bool:
    return b"transfer-encoding" in headers or headers.get(b"content-length", "0") != "0"


async def _refuse(send: Send, details: str) -> None:
    body = msgspec.json.encode({"error": "bad_request", "details": details})
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"x-content-type-options", b"nosniff"),
        (b"cache-control", b"no-store"),
        # The body that was not read is in the way of whatever would come next.
        (b"connection", b"close"),
    ]
    start: HTTPResponseStartEvent = {"type": "http.response.start", "status": 400, "headers": headers}
    end: HTTPResponseBodyEvent = {"type": "http.response.body", "body": body, "more_body": False}
    await send(start)
    await send(end)
