"""One kept-alive HTTP/1.1 connection (RFC 9112), for requests with a body and answers of bounded size and time.

The standard library's client brings the whole of `email` and `ssl` into every daemon, 3 MB of memory for a header or
two (docs/design/choices.md).
"""

from __future__ import annotations

import re
import socket
import time
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import ssl

_LARGEST_HEAD = 64 << 10
_CHUNK = 64 << 10
_status_line = re.compile(rb"HTTP/1\.[01] ([2-5]\d\d)(?: |$)")
_interim = re.compile(rb"HTTP/1\.1 1\d\d(?: |$)")


class BadAnswer(ValueError):
    """What came is no HTTP answer, only half of one, or one too large; the message says which."""


class Answer(NamedTuple):
    """An answer: its status, its headers by their names in small letters, its body."""

    status: int
    headers: dict[str, str]
    body: bytes


class Connection:
    """A connection to a server.

    Args:
        host, port: where it listens.
        tls: for https.
        connect_seconds: how long to wait for the connection, and then for the handshake.
        largest_answer: bytes of a body.

    Attributes:
        open: another request may be sent.

    Raises OSError where it cannot be made.
    """

    def __init__(
        self, host: str, port: int, tls: ssl.SSLContext | None, connect_seconds: float, largest_answer: int
    ) -> None:
        self._largest = largest_answer
        self._buffer = b""
        self._deadline = 0.0
        self._socket: socket.socket = socket.create_connection((host, port), connect_seconds)
        try:
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if tls is not None:
                self._socket = tls.wrap_socket(self._socket, server_hostname=host)
        except BaseException:
            self._socket.close()
            raise
        self.open = True

    def close(self) -> None:
        """Close it."""
        self.open = False
        self._socket.close()

    def exchange(self, request: bytes, seconds: float) -> Answer:
        """Send a request, head and body, and read the answer.

        Args:
            request: the bytes to send.
            seconds: how long to wait for the whole answer.

        Raises OSError (as socket.timeout when the time is over) or BadAnswer; the connection is of no use then.
        """
        self.open = False  # until the answer has been read to its end
        self._deadline = time.monotonic() + seconds
        self._socket.settimeout(seconds)
        self._socket.sendall(request)
        head = self._head()
        while _interim.match(head):
            head = self._head()
        found = _status_line.match(head)
        if found is None:
            raise BadAnswer(f"no HTTP answer: {head[:80]!r}")
        headers = _headers(head)
        status = int(found[1])
        keeps = head.startswith(b"HTTP/1.1") and headers.get("connection", "").lower() != "close"
        if status in (204, 304):
            body = b""
        elif "chunked" in headers.get("transfer-encoding", "").lower():
            body = self._chunks()
        elif "content-length" in headers:
            body = self._exactly(_length(headers["content-length"], 10, self._largest))
        else:
            body, keeps = self._rest(), False
        self.open = keeps and not self._buffer
        return Answer(status, headers, body)

    def _head(self) -> bytes:
        while b"\r\n\r\n" not in self._buffer:
            if len(self._buffer) > _LARGEST_HEAD:
                raise BadAnswer("a head without an end")
            self._more()
        head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        return head

    def _chunks(self) -> bytes:
        body = bytearray()
        while True:
            size = _length(self._line().partition(b";")[0].decode("latin-1"), 16, self._largest - len(body))
            if not size:
                while self._line():
                    pass  # trailers
                return bytes(body)
            body += self._exactly(size)
            if self._line():
                raise BadAnswer("a chunk that is longer than it said")

    def _line(self) -> bytes:
        while b"\r\n" not in self._buffer:
            if len(self._buffer) > _LARGEST_HEAD:
                raise BadAnswer("a line without an end")
            self._more()
        line, _, self._buffer = self._buffer.partition(b"\r\n")
        return line

    def _exactly(self, size: int) -> bytes:
        parts = [self._buffer[:size]]
        missing = size - len(parts[0])
        self._buffer = self._buffer[size:]
        while missing:
            self._more()
            parts.append(self._buffer[:missing])
            self._buffer = self._buffer[missing:]
            missing -= len(parts[-1])
        return b"".join(parts)

    def _rest(self) -> bytes:
        body = bytearray(self._buffer)
        self._buffer = b""
        while data := self._receive():
            body += data
            if len(body) > self._largest:
                raise BadAnswer(f"a body of more than {self._largest} bytes")
        return bytes(body)

    def _more(self) -> None:
        data = self._receive()
        if not data:
            raise BadAnswer("the connection was closed in the midst of an answer")
        self._buffer += data

    def _receive(self) -> bytes:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise socket.timeout("no whole answer in time")
        self._socket.settimeout(left)
        return self._socket.recv(_CHUNK)


def _headers(head: bytes) -> dict[str, str]:
    headers = {}
    for line in head.decode("latin-1").split("\r\n")[1:]:
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    return headers


def _length(text: str, base: int, largest: int) -> int:
    try:
        length = int(text.strip(), base)
    except ValueError:
        raise BadAnswer(f"no length: {text[:40]!r}") from None
    if not 0 <= length <= largest:
        raise BadAnswer(f"a body of more than {largest} bytes")
    return length
