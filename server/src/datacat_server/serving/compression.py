"""Answers in gzip for those who take it, whole ones and those that come in pieces.

In place of Litestar's, which leaves a file open where a reader goes away in the middle of an answer; when Python comes
to collect it, the log has a traceback that nobody can do anything about.
"""

import zlib

from litestar.datastructures import Headers, MutableScopeHeaders
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPResponseStartEvent, Message, Receive, Scope, Send

_LEVEL = 5
_LEAST = 500  # bytes of a whole answer: less fits into one packet either way
_GZIP = zlib.MAX_WBITS | 16  # the format that zlib is to write
_KINDS = ("text/", "application/json", "application/javascript", "application/x-ndjson", "image/svg+xml")
_FOLLOWED = "text/event-stream"  # each of its pieces is small, and is wanted at once


def compressing(app: ASGIApp) -> ASGIApp:
    """The application, with what it says in text packed by gzip for whoever takes that."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == ScopeType.HTTP:
            send = _Packing(send, _takes_gzip(Headers.from_scope(scope).get("accept-encoding", "")))
        await app(scope, receive, send)

    return answer


class _Packing:
    """Takes the place of an answer's `send`. The head waits for the first piece, which tells what becomes of it."""

    def __init__(self, send: Send, wanted: bool) -> None:
        self._send = send
        self._wanted = wanted
        self._start: HTTPResponseStartEvent | None = None
        self._packer: zlib._Compress | None = None

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._start = message
            return
        if message["type"] == "http.response.body":
            body, more = message["body"], bool(message.get("more_body"))
            if self._start is not None:
                body = await self._begin(self._start, body, more)
                self._start = None
            elif self._packer is not None:
                body = _piece(self._packer, body, more)
            message = {"type": "http.response.body", "body": body, "more_body": more}
        await self._send(message)

    async def _begin(self, start: HTTPResponseStartEvent, body: bytes, more: bool) -> bytes:
        headers = MutableScopeHeaders.from_message(start)
        if _can_be_packed(headers):
            headers.extend_header_value("vary", "Accept-Encoding")
            if self._wanted and (more or len(body) >= _LEAST):
                self._packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP)
                body = _piece(self._packer, body, more)
                headers["Content-Encoding"] = "gzip"
                if more:
                    headers.pop("Content-Length", None)
                else:
                    headers["Content-Length"] = str(len(body))
        await self._send(start)
        return body


def _piece(packer: "zlib._Compress", body: bytes, more: bool) -> bytes:
    """What is sent of a piece, so that its reader has all of it."""
    return packer.compress(body) + packer.flush(zlib.Z_SYNC_FLUSH if more else zlib.Z_FINISH)


def _can_be_packed(headers: MutableScopeHeaders) -> bool:
    kind = headers.get("content-type", "")
    return kind.startswith(_KINDS) and not kind.startswith(_FOLLOWED) and "content-encoding" not in headers


def _takes_gzip(accepted: str) -> bool:
    """By an Accept-Encoding header (RFC 9110, section 12.5.3): gzip is named, and not as what will not do (`;q=0`)."""
    for one in accepted.lower().split(","):
        name, _, weight = one.replace(" ", "").partition(";q=")
        if name in ("gzip", "x-gzip"):
            return weight.strip("0.") != "" or weight == ""
    return False
