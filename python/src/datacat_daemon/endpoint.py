"""One server as the daemon sees it: a kept-alive connection, and how long to leave it alone after a failure."""

from __future__ import annotations

import gzip
import http.client
import json
import random
import socket
import ssl
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

SHORTEST_PAUSE = 0.5
LONGEST_PAUSE = 30.0
_CONNECT_SECONDS = 5.0
_ANSWER_SECONDS = 30.0
_WORTH_COMPRESSING = 512
_PATH = "/api/ingest"
_LARGEST_ANSWER = 16 << 20
# These say that the body itself is at fault: the same one will never be taken.
_REFUSALS = frozenset({400, 413, 415, 422})


class Unavailable(Exception):
    """The server did not take the body now; it may later. The message says why."""


class Refused(Exception):
    """The server will never take this body as it is; the message says why."""


@dataclass(frozen=True)
class Refusal:
    """A record that the server refused for good."""

    writer: str | None
    ordinal: int | None
    details: dict[str, Any]


@dataclass(frozen=True)
class Answer:
    """What the server has: per session and writer the next ordinal it expects; and what it refused, per session."""

    positions: dict[str, dict[str, int]]
    refused: dict[str, list[Refusal]]


class Endpoint:
    """Posts ingest bodies to one server.

    Args:
        url: its base address, http or https. Raises ValueError for another kind of address.
        api_key: sent as a Bearer token, if given.
    """

    def __init__(self, url: str, api_key: str | None) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"not the address of a server: {url!r}")
        self._secure = parts.scheme == "https"
        self._host = parts.hostname
        self._port = parts.port
        self._path = parts.path.rstrip("/") + _PATH
        self._headers = {"Content-Type": "application/x-ndjson", "User-Agent": "datacat-daemon"}
        if api_key:
            self._headers["Authorization"] = f"Bearer {api_key}"
        self._connection: http.client.HTTPConnection | None = None
        self._failures = 0
        self.ready_at = 0.0

    def post(self, body: bytes) -> Answer:
        """Send one body and wait for its answer. Raises Unavailable or Refused."""
        headers = dict(self._headers)
        if len(body) >= _WORTH_COMPRESSING:
            body = gzip.compress(body, 1)
            headers["Content-Encoding"] = "gzip"
        try:
            status, content, retry_after = self._exchange(body, headers)
        except (OSError, http.client.HTTPException, ValueError) as error:
            self.close()
            self._failed(None)
            raise Unavailable(f"{type(error).__name__}: {error}") from error
        if status == 200:
            try:
                answer = _parse(content)
            except (ValueError, TypeError, KeyError, AttributeError) as error:
                self._failed(None)
                raise Unavailable(f"an answer that is none: {error!r}") from error
            self._failures = 0
            self.ready_at = 0.0
            return answer
        message = f"{status}: {content[:500].decode('utf-8', 'replace')}"
        if status in _REFUSALS:
            raise Refused(message)
        self._failed(retry_after)
        raise Unavailable(message)

    def failed(self) -> None:
        """The answer could not be acted on: leave the server alone for a while."""
        self._failed(None)

    def close(self) -> None:
        """Close the connection; the next post opens one again."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _exchange(self, body: bytes, headers: dict[str, str]) -> tuple[int, bytes, str | None]:
        if self._connection is not None:
            try:
                return self._request(self._connection, body, headers)
            except (OSError, http.client.HTTPException):
                # Most often the server has closed an idle connection. If it did take the body, it knows it again.
                self.close()
        self._connection = self._connect()
        return self._request(self._connection, body, headers)

    def _connect(self) -> http.client.HTTPConnection:
        connection: http.client.HTTPConnection
        if self._secure:
            context = ssl.create_default_context()
            connection = http.client.HTTPSConnection(self._host, self._port, timeout=_CONNECT_SECONDS, context=context)
        else:
            connection = http.client.HTTPConnection(self._host, self._port, timeout=_CONNECT_SECONDS)
        connection.connect()
        connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sock.settimeout(_ANSWER_SECONDS)
        return connection

    def _request(
        self, connection: http.client.HTTPConnection, body: bytes, headers: dict[str, str]
    ) -> tuple[int, bytes, str | None]:
        connection.request("POST", self._path, body, headers)
        response = connection.getresponse()
        content = response.read(_LARGEST_ANSWER)
        if response.will_close or not response.isclosed():
            self.close()
        return response.status, content, response.getheader("Retry-After")

    def _failed(self, retry_after: str | None) -> None:
        pause = min(LONGEST_PAUSE, SHORTEST_PAUSE * 2 ** min(self._failures, 10))
        pause *= random.uniform(0.75, 1.25)
        if retry_after is not None and retry_after.isdigit():
            pause = max(pause, min(float(retry_after), LONGEST_PAUSE))
        self._failures += 1
        self.ready_at = time.monotonic() + pause


def _parse(content: bytes) -> Answer:
    answer = json.loads(content)
    positions = {
        str(session): {str(writer): int(ordinal) for writer, ordinal in entry["writers"].items()}
        for session, entry in answer["sessions"].items()
    }
    refused: dict[str, list[Refusal]] = {}
    for entry in answer.get("refused", []):
        refused.setdefault(str(entry["session"]), []).append(
            Refusal(entry.get("writer"), entry.get("ordinal"), dict(entry))
        )
    return Answer(positions, refused)
