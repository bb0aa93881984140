"""One server as the daemon sees it: a kept-alive connection, and how long to leave it alone after a failure."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import time
from dataclasses import dataclass
from email.message import Message
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from datacat_daemon.config import Config
from datacat_daemon.shipping.backoff import Backoff
from datacat_daemon.shipping.compression import Compression

_CONNECT_SECONDS = 5.0
_ANSWER_SECONDS = 30.0
_PATH = "/api/ingest"
_LARGEST_ANSWER = 16 << 20
_UNKNOWN_ENCODING = 415
# These say that the body itself is at fault: the same one will never be taken. (413: a smaller one may.)
_REFUSALS = frozenset({400, 413, 415, 422})
_UNAVAILABLE = 503


class Unavailable(Exception):
    """The server did not take the body now; it may later. The message says why."""


class Failed(Unavailable):
    """The server failed at this body (5xx, but not 503): it may be in trouble, or the body may be what it fails at."""


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
    """What the server has: per session and writer the next ordinal it expects; and what it refused.

    `state_changes`: for each session whose batch was applied just now, how many changes of its state there were.
    """

    positions: dict[str, dict[str, int]]
    refused: list[Refusal]
    state_changes: dict[str, int]


class Endpoint:
    """Posts ingest bodies to one server.

    Args:
        url: its base address, http or https. Raises ValueError for another kind of address.
        api_key: sent as a Bearer token, if given.
        config: whether to compress, and to check the server's certificate.

    Attributes:
        connections: how many connections there have been; a new one may lead to a server that was started anew.
    """

    def __init__(self, url: str, api_key: str | None, config: Config | None = None) -> None:
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
        config = config or Config()
        self._verifies = config.verifies_tls
        self._compression = Compression(config.enable_compression)
        self._connection: http.client.HTTPConnection | None = None
        self.connections = 0
        self._backoff = Backoff()

    @property
    def ready_at(self) -> float:
        """When to try again after a failure, by the monotonic clock; 0 after a success."""
        return self._backoff.ready_at

    def post(self, body: bytes) -> Answer:
        """Send one body and wait for its answer. Raises Unavailable (as Failed, where the body may be why) or Refused.

        After Unavailable `ready_at` says when to try again: later each time, and not before the server's `Retry-After`.
        """
        packed, encoding = self._compression.pack(body)
        headers = self._headers if encoding is None else {**self._headers, "Content-Encoding": encoding}
        try:
            status, content, answered = self._exchange(packed, headers)
        except (OSError, http.client.HTTPException, ValueError) as error:
            self.close()
            self._backoff.failed()
            raise Unavailable(_explained(error)) from error
        self._compression.heed(answered.get("Accept-Encoding"))
        if status == _UNKNOWN_ENCODING and self._compression.refused(encoding):
            return self.post(body)
        if status == 200:
            try:
                answer = _parse(content)
            except (ValueError, TypeError, KeyError, AttributeError) as error:
                self._backoff.failed()
                raise Unavailable(f"an answer that is none: {error!r}") from error
            self._backoff.succeeded()
            return answer
        message = f"{status}: {content[:500].decode('utf-8', 'replace')}"
        if status in _REFUSALS:
            raise Refused(message)
        self._backoff.failed(_seconds(answered.get("Retry-After")))
        raise Failed(message) if status >= 500 and status != _UNAVAILABLE else Unavailable(message)

    def close(self) -> None:
        """Close the connection; the next post opens one again."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _exchange(self, body: bytes, headers: dict[str, str]) -> tuple[int, bytes, Message]:
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
            if not self._verifies:
                context.check_hostname = False
                context.verify_mode = ssl.CERT_NONE
            connection = http.client.HTTPSConnection(self._host, self._port, timeout=_CONNECT_SECONDS, context=context)
        else:
            connection = http.client.HTTPConnection(self._host, self._port, timeout=_CONNECT_SECONDS)
        connection.connect()
        connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sock.settimeout(_ANSWER_SECONDS)
        self.connections += 1
        return connection

    def _request(
        self, connection: http.client.HTTPConnection, body: bytes, headers: dict[str, str]
    ) -> tuple[int, bytes, Message]:
        connection.request("POST", self._path, body, headers)
        response = connection.getresponse()
        content = response.read(_LARGEST_ANSWER)
        if response.will_close or not response.isclosed():
            self.close()
        return response.status, content, response.headers


def _parse(content: bytes) -> Answer:
    answer = json.loads(content)
    positions = {
        str(session): {str(writer): int(ordinal) for writer, ordinal in entry["writers"].items()}
        for session, entry in answer["sessions"].items()
    }
    refused = [Refusal(entry.get("writer"), entry.get("ordinal"), dict(entry)) for entry in answer.get("refused", [])]
    changes = {
        str(session): int(entry["state_changes"])
        for session, entry in answer["sessions"].items()
        if "state_changes" in entry
    }
    return Answer(positions, refused, changes)


def _explained(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return (
            f"its certificate does not verify: {error.verify_message}. Name the file of its authority in "
            "$SSL_CERT_FILE, or set tls_verify to false to do without"
        )
    return f"{type(error).__name__}: {error}"


def _seconds(retry_after: str | None) -> float:
    """How long to wait, from a `Retry-After` header (RFC 9110, 10.2.3): seconds, or the date when to come again."""
    if not retry_after:
        return 0.0
    if retry_after.strip().isdigit():
        return float(retry_after)
    try:
        return max(0.0, parsedate_to_datetime(retry_after).timestamp() - time.time())
    except (ValueError, TypeError, IndexError):
        return 0.0
