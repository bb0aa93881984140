"""HTTP/1.1 as bytes: requests as they come in, in pieces or several at once, and answers (RFC 9112)."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from datacat_daemon.http.errors import HttpError, bad_request

MOST_HEAD = 16 << 10
MOST_BODY = 1 << 20

_REQUEST_LINE = re.compile(rb"([A-Za-z]{1,20}) (/[\x21-\x7e]*) HTTP/1\.([01])")
_HEADER = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\x00\r\n]*?)[ \t]*")
_SIZE_LINE = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;.*)?")
_MOST_SIZE_LINE = 1 << 10
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


@dataclass(frozen=True)
class Head:
    """A request without its body.

    Attributes:
        method: in capitals, as sent.
        target: path and query.
        headers: by their names in small letters.
        keeps_alive: the connection is for further requests.
    """

    method: str
    target: str
    headers: dict[str, str]
    keeps_alive: bool


@dataclass(frozen=True)
class Request:
    """A whole request."""

    head: Head
    body: bytes


class RequestReader:
    """Takes the bytes of one connection and gives whole requests, in their order.

    Attributes:
        begun: part of a request is here, the rest is not.
        size: bytes that are held.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._head: Head | None = None
        self._length: int | None = None  # None: in chunks
        self._body = bytearray()
        self._chunk_left: int | None = None
        self._in_trailers = False
        self._announced = False

    @property
    def begun(self) -> bool:
        return self._head is not None or bool(self._buffer)

    @property
    def size(self) -> int:
        return len(self._buffer) + len(self._body)

    def feed(self, data: bytes) -> None:
        """Take what was received."""
        self._buffer += data

    def next(self) -> Request | None:
        """The next request, once it is whole. Raises HttpError: then nothing more can be read here."""
        if self._head is None and not self._take_head():
            return None
        assert self._head is not None
        if not (self._take_chunks() if self._length is None else self._take_length(self._length)):
            return None
        request = Request(self._head, bytes(self._body))
        self._head = None
        self._body = bytearray()
        return request

    def go_ahead(self) -> bytes:
        """What a client waits for that asked before it sends the body; empty if none does. Once a request."""
        head = self._head
        if head is None or self._announced or head.headers.get("expect", "").lower() != "100-continue":
            return b""
        self._announced = True
        return _CONTINUE

    def _take_head(self) -> bool:
        while self._buffer[:2] == b"\r\n":
            del self._buffer[:2]
        end = self._buffer.find(b"\r\n\r\n", 0, MOST_HEAD)
        if end < 0:
            if len(self._buffer) >= MOST_HEAD:
                raise bad_request(f"the head of a request has at most {MOST_HEAD} bytes")
            if self._buffer and not self._buffer[:1].isalpha() and self._buffer != b"\r":
                raise bad_request("this is not HTTP")
            return False
        head = _parse_head(bytes(self._buffer[:end]))
        del self._buffer[: end + 4]
        self._length = _body_length(head)
        self._head = head
        self._chunk_left = None
        self._in_trailers = False
        self._announced = False
        return True

    def _take_length(self, length: int) -> bool:
        if len(self._buffer) < length:
            return False
        self._body += self._buffer[:length]
        del self._buffer[:length]
        return True

    def _take_chunks(self) -> bool:
        while True:
            if self._in_trailers:
                line = self._take_line()
                if line is None:
                    return False
                if not line:
                    return True
            elif self._chunk_left is None:
                line = self._take_line()
                if line is None:
                    return False
                match = _SIZE_LINE.fullmatch(line)
                if match is None:
                    raise bad_request("a chunk begins with its size in hexadecimal digits")
                self._chunk_left = int(match[1], 16)
                if len(self._body) + self._chunk_left > MOST_BODY:
                    raise _too_large()
                self._in_trailers = self._chunk_left == 0
            elif len(self._buffer) < self._chunk_left + 2:
                return False
            else:
                if self._buffer[self._chunk_left : self._chunk_left + 2] != b"\r\n":
                    raise bad_request("a chunk does not end where its size says")
                self._body += self._buffer[: self._chunk_left]
                del self._buffer[: self._chunk_left + 2]
                self._chunk_left = None

    def _take_line(self) -> bytes | None:
        end = self._buffer.find(b"\r\n", 0, _MOST_SIZE_LINE)
        if end < 0:
            if len(self._buffer) >= _MOST_SIZE_LINE:
                raise bad_request("a line between chunks is too long")
            return None
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 2]
        return line


def _parse_head(data: bytes) -> Head:
    first, *lines = data.split(b"\r\n")
    match = _REQUEST_LINE.fullmatch(first)
    if match is None:
        raise bad_request("a request begins with a line such as GET /health HTTP/1.1")
    headers: dict[str, str] = {}
    for line in lines:
        parts = _HEADER.fullmatch(line)
        if parts is None:
            raise bad_request("a header is a line such as Content-Type: application/json")
        name, value = parts[1].decode("ascii").lower(), parts[2].decode("latin-1")
        if name in headers:
            if name in ("host", "origin", "content-type", "content-length", "transfer-encoding"):
                raise bad_request(f"{name}: more than one")
            value = f"{headers[name]}, {value}"
        headers[name] = value
    wishes = {word.strip().lower() for word in headers.get("connection", "").split(",")}
    keeps_alive = "close" not in wishes if match[3] == b"1" else "keep-alive" in wishes
    return Head(match[1].decode("ascii"), match[2].decode("ascii"), headers, keeps_alive)


def _body_length(head: Head) -> int | None:
    """Bytes of the body; None where it comes in chunks."""
    coding = head.headers.get("transfer-encoding")
    length = head.headers.get("content-length")
    if coding is not None:
        if coding.lower() != "chunked" or length is not None:
            raise bad_request("transfer-encoding: expected chunked alone, without a content-length")
        return None
    if length is None:
        return 0
    if not (length.isascii() and length.isdigit()):
        raise bad_request("content-length: expected a number")
    if len(length) > 9 or int(length) > MOST_BODY:
        raise _too_large()
    return int(length)


def _too_large() -> HttpError:
    return HttpError(413, "too_large", f"a body has at most {MOST_BODY} bytes; send less at once")


def answer(status: int, content: Any, closes: bool, headers: dict[str, str], head_only: bool = False) -> bytes:
    """The bytes of an answer with a JSON body. Raises ValueError for a number that JSON has none of."""
    body = json.dumps(content, separators=(",", ":"), allow_nan=False).encode("ascii")
    lines = [
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        "Cache-Control: no-store",
        "X-Content-Type-Options: nosniff",
        *(f"{name}: {value}" for name, value in headers.items()),
        "Connection: close" if closes else "Connection: keep-alive",
    ]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + (b"" if head_only else body)
