"""HTTP/1.1 as uvicorn speaks it: errors have DataCat's one shape, and what never comes is not waited for."""

import asyncio

import msgspec
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

SILENT_SECONDS = 30
"""How long a request may pause on its way, and its head take in all; a connection that never asks has longer."""

_LARGEST_HEAD = 64 * 1024
_CONTENT = msgspec.json.encode(
    {
        "error": "bad_request",
        "details": "this is not a request that HTTP/1.1 allows; look at its first line, its headers and its length",
    }
)
_REFUSAL = (
    b"HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\ncontent-length: %d\r\n"
    b"x-content-type-options: nosniff\r\ncache-control: no-store\r\nconnection: close\r\n\r\n%b"
) % (len(_CONTENT), _CONTENT)


class Http1Protocol(HttpToolsProtocol):
    """One connection."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._heard = self.loop.time()
        self._begun: float | None = None  # when the request began that is still coming in
        self._in_head = False
        self._head_size = 0
        super().connection_made(transport)

    def hang_up_if_overdue(self) -> None:
        """Close the connection of a sender who has begun something and does not go on, or never asked anything."""
        now = self.loop.time()
        silent = now - self._heard
        if self._begun is None:
            overdue = self.cycle is None and silent > self.timeout_keep_alive
        elif self._in_head or self.cycle.response_complete:
            overdue = now - self._begun > SILENT_SECONDS
        else:
            # While nothing is read, it is we who are waited for.
            overdue = silent > SILENT_SECONDS and not self.flow.read_paused
        if overdue:
            self.transport.close()

    def data_received(self, data: bytes) -> None:
        self._heard = self.loop.time()
        super().data_received(data)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._begun, self._in_head, self._head_size = self.loop.time(), True, 0

    def on_url(self, url: bytes) -> None:
        self._grow_head(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._grow_head(len(name) + len(value))
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._in_head = False
        if self.parser.get_http_version() == "1.1" and all(name != b"host" for name, _ in self.headers):
            raise ValueError("there is no Host header")  # RFC 9112, 3.2; the parser makes a refusal of it
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._begun = None
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Refuse what cannot be read as a request, and hang up."""
        # Where an answer is under way already there is no room for another.
        if self.cycle is None or self.cycle.response_complete or not self.cycle.response_started:
            self.transport.write(_REFUSAL)
        self.transport.close()

    def _grow_head(self, size: int) -> None:
        self._head_size += size
        if self._head_size > _LARGEST_HEAD:
            raise ValueError("the head of the request is too large")  # the parser makes a refusal of it
