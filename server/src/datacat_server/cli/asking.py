"""Asking a server for JSON over one connection that is kept: for commands that are to answer at once.

The client that moves exports (rest.py) takes longer to import than such a command takes for all the rest.
"""

import ssl
from collections.abc import Iterable
from typing import TypeVar
from urllib.parse import quote, urlencode, urlsplit

import msgspec
from datacat_daemon.shipping.http1 import Answer, BadAnswer, Connection

from datacat_server.cli.addressing import (
    ServerError,
    address_of,
    broken_off,
    key_of,
    no_such_answer,
    not_answering,
    refused,
)
from datacat_server.cli.leaving import fail

_CONNECT_SECONDS = 10.0
_ANSWER_SECONDS = 60.0
_LARGEST_ANSWER = 256 << 20

_ALWAYS_THERE = ("/api/sessions", "/api/events")
"""Addresses that every server has; the web UI, at a port of its own, says that there is no such page."""

Decoded = TypeVar("Decoded")


class Reader:
    """A server at an address, asked with a key if there is one. Connects when it is asked first.

    Args:
        url: its address, http or https.
        api_key: sent as a Bearer token.
        patience: seconds to wait for a connection, and for an answer; by default what large answers take.
    """

    def __init__(self, url: str, api_key: str | None, patience: float | None = None) -> None:
        self.url = url
        parts = urlsplit(url)
        self._host = parts.hostname or ""
        self._secure = parts.scheme == "https"
        self._port = parts.port or (443 if self._secure else 80)
        self._path = parts.path.rstrip("/")
        lines = [f"Host: {parts.netloc.rpartition('@')[2]}", "Accept: application/json"]
        if api_key:
            if not (api_key.isascii() and api_key.isprintable()):
                fail("--api-key: a key has letters, digits and signs of ASCII only")
            lines.append(f"Authorization: Bearer {api_key}")
        self._headers = "".join(f"{line}\r\n" for line in lines)
        self._connect_seconds = patience or _CONNECT_SECONDS
        self._answer_seconds = patience or _ANSWER_SECONDS
        self._connection: Connection | None = None

    def get(self, path: str, kind: type[Decoded], params: Iterable[tuple[str, str]] = ()) -> Decoded:
        """The answer to a GET as a `kind`. Raises ServerError."""
        return self._decoded(self.get_json(path, params), kind)

    def get_json(self, path: str, params: Iterable[tuple[str, str]] = ()) -> bytes:
        """The answer to a GET as it came. Raises ServerError."""
        query = urlencode(list(params))
        target = f"{self._path}{path}?{query}" if query else f"{self._path}{path}"
        answer = self._answer(f"GET {target} HTTP/1.1\r\n{self._headers}\r\n".encode("latin-1"))
        if answer.status == 404 and path in _ALWAYS_THERE:
            raise no_such_answer(self.url)
        if answer.status >= 300:
            raise refused(self.url, answer.status, answer.body)
        return answer.body

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _answer(self, request: bytes) -> Answer:
        kept = self._connection is not None and self._connection.open
        try:
            if not kept:
                self._connection = self._connected()
            assert self._connection is not None
            return self._connection.exchange(request, self._answer_seconds)
        except TimeoutError as error:
            self.close()
            raise broken_off(self.url, error) from error
        except (OSError, BadAnswer) as error:
            self.close()
            if kept:  # most often the server has closed a connection that was idle
                return self._answer(request)
            raise broken_off(self.url, error) from error

    def _connected(self) -> Connection:
        self.close()
        tls = ssl.create_default_context() if self._secure else None
        try:
            return Connection(self._host, self._port, tls, self._connect_seconds, _LARGEST_ANSWER)
        except OSError as error:
            raise not_answering(self.url, error) from error

    def _decoded(self, content: bytes, kind: type[Decoded]) -> Decoded:
        try:
            return msgspec.json.decode(content, type=kind)
        except msgspec.MsgspecError:
            raise no_such_answer(self.url, self._health()) from None

    def _health(self) -> bytes | None:
        """What it says of itself, if it does."""
        try:
            return self.get_json("/health")
        except ServerError:
            return None


def reader_of(url: str | None, api_key: str | None, patience: float | None = None) -> Reader:
    """The server that a command means; what can be no address ends it."""
    return Reader(address_of(url), key_of(api_key), patience)


def session_path(session_id: str, *parts: str) -> str:
    """The path of a session in the API, and of what is below it."""
    return "/".join(["/api/sessions", quote(session_id, safe=""), *parts])


def is_passing(error: ServerError) -> bool:
    """Whether it may be over soon: nobody answers, or the server has too much to do, or is about to stop."""
    return error.status is None or error.status == 429 or error.status >= 500
