"""The batch call past the routing: what Litestar does for a call would cost as much as a small batch itself."""

from typing import Any

from litestar import Request
from litestar.enums import ScopeType
from litestar.types import (
    ASGIApp,
    Guard,
    HTTPResponseBodyEvent,
    HTTPResponseStartEvent,
    HTTPScope,
    Receive,
    Scope,
    Send,
)

from datacat_server.api.arriving import Disconnected
from datacat_server.api.declared import JSON
from datacat_server.api.errors import answer_to
from datacat_server.api.ingest import PATH, ingest, take_in
from datacat_server.store.protocol import Store


class Shortcut:
    """An ASGI application around the API: it answers `POST /api/ingest` itself, and hands on all else.

    That is what the handler `ingest` answers, which says what the call is: its key, its body, its other methods.
    """

    def __init__(self, app: ASGIApp, store: Store, guard: Guard) -> None:
        self._app = app
        self._store = store
        self._guard = guard

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if (
            scope["type"] == ScopeType.HTTP
            and scope["path"] == PATH
            and scope["method"] == "POST"
            and not scope["query_string"]
        ):
            await self._take_in(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _take_in(self, scope: HTTPScope, receive: Receive, send: Send) -> None:
        scope["path_template"] = PATH  # what it is counted under
        request: Request[Any, Any, Any] = Request(scope, receive, send)
        try:
            if (checking := self._guard(request, ingest)) is not None:
                await checking
            answer, told = await take_in(self._store, scope, receive)
        except Disconnected:
            return
        except Exception as error:
            response = answer_to(request, error)
            await response.to_asgi_response(None, request)(scope, receive, send)
            return
        headers = [(b"content-type", JSON.encode()), (b"content-length", str(len(answer)).encode())]
        headers += [(name.lower().encode(), value.encode()) for name, value in told.items()]
        start: HTTPResponseStartEvent = {"type": "http.response.start", "status": 200, "headers": headers}
        end: HTTPResponseBodyEvent = {"type": "http.response.body", "body": answer, "more_body": False}
        await send(start)
        await send(end)
