"""What holds of every request, whatever it asks: HEAD is GET without the body, and each is counted and timed."""

import time
from collections.abc import Collection
from typing import cast

from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPReceiveMessage, HTTPScope, Message, Receive, Scope, Send

from datacat_server.api.prometheus import RequestFigures
from datacat_server.serving.head import without_body

_OTHER = "other"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Requests:
    """An ASGI application around another one."""

    def __init__(self, app: ASGIApp, figures: RequestFigures, paths: Collection[str]) -> None:
        """`paths`: of the calls; one that is asked for by a wrong method is counted under its call all the same."""
        self._app = app
        self._paths = frozenset(paths)
        self._figures = figures

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        outer = scope
        inner = cast(HTTPScope, {**outer, "method": "GET"}) if outer["method"] == "HEAD" else outer
        status = 0
        received = 0
        gone = False
        begun = time.perf_counter()

        async def send_on(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start" and not gone:
                status = message["status"]
            await send(message)

        async def receive_on() -> HTTPReceiveMessage:
            nonlocal received, gone
            message = await receive()
            if message["type"] == "http.request":
                received += len(message["body"])
            else:
                gone = True  # an answer that begins now reaches nobody
            return cast(HTTPReceiveMessage, message)

        self._figures.begin()
        try:
            if inner is outer:
                await self._app(inner, receive_on, send_on)
            else:
                await without_body(self._app, inner, receive_on, send_on)
        finally:
            method = outer["method"] if outer["method"] in _METHODS else _OTHER
            call = inner.get("path_template") or (outer["path"] if outer["path"] in self._paths else _OTHER)
            self._figures.end(method, call, status, time.perf_counter() - begun, received)
