"""One server as the daemon sees it: a kept-alive connection, and how long to leave it alone after a failure."""

from __future__ import annotations

import json
import socket
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, urlsplit

from datacat_daemon.config import Config
from datacat_daemon.shipping import http1
from datacat_daemon.shipping.backoff import Backoff
from datacat_daemon.shipping.compression import Compression

if TYPE_CHECKING:
    import ssl

_CONNECT_SECONDS = 5.0
_ANSWER_SECONDS = 30.0
_PATH = "/api/ingest"
_LARGEST_ANSWER = 16 << 20
_UNKNOWN_ENCODING = 415
# These say that the body itself is at fault: the same one will never be taken. (413: a smaller one may.)
_REFUSALS = frozenset({400, 413, 415, 422})
_UNREADABLE = "unreadable"  # of a 400: the body did not come as it was sent
_UNAVAILABLE = 503
_NOT_WITH_THIS_KEY = (401, 403)
_MOST_QUOTED = 500

KEY_ADVICE = "; `datacat sync --api-key` ships what waits, programs take the key from $DATACAT_API_KEY"
"""What to do where a server does not take the key."""

CERTIFICATE = "its certificate does not verify"
"""What is said first of a server whose certificate is refused here."""


class Unavailable(Exception):
    """The server did not take the body now; it may later. The message says why."""


class Failed(Unavailable):
    """The server failed at this body (5xx, but not 503), or it did not come as it was sent: something on the way may be
    in trouble, or the body may be what is failed at."""


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
        self._port = parts.port or (443 if self._secure else 80)
        self._head = _head(parts, api_key)
        config = config or Config()
        self._verifies = config.verifies_tls
        self._compression = Compression(config.enable_compression)
        self._connection: http1.Connection | None = None
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
        try:
            status, headers, content = self._exchange(packed, encoding)
        except (OSError, ValueError) as error:
            self.close()
            self._backoff.failed()
            raise Unavailable(explained(error)) from error
        self._compression.heed(headers.get("accept-encoding"))
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
        kind, message = _said(status, content)
        if status in _REFUSALS and kind != _UNREADABLE:
            raise Refused(message)
        self._backoff.failed(_seconds(headers.get("retry-after")))
        failed = kind == _UNREADABLE or (status >= 500 and status != _UNAVAILABLE)
        raise Failed(message) if failed else Unavailable(message)

    def close(self) -> None:
        """Close the connection; the next post opens one again."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _exchange(self, body: bytes, encoding: str | None) -> http1.Answer:
        head = self._head
        if encoding is not None:
            head += b"Content-Encoding: %b\r\n" % encoding.encode("ascii")
        request = b"%bContent-Length: %d\r\n\r\n%b" % (head, len(body), body)
        if self._connection is not None and self._connection.open:
            try:
                return self._connection.exchange(request, _ANSWER_SECONDS)
            except socket.timeout:
                raise
            except (OSError, http1.BadAnswer):
                # Most often the server has closed an idle connection. If it did take the body, it knows it again.
                self.close()
        self.close()
        self._connection = http1.Connection(self._host, self._port, self._tls(), _CONNECT_SECONDS, _LARGEST_ANSWER)
        self.connections += 1
        return self._connection.exchange(request, _ANSWER_SECONDS)

    def _tls(self) -> ssl.SSLContext | None:
        if not self._secure:
            return None
        import ssl  # 2 MB of memory, for those who need it

        context = ssl.create_default_context()
        if not self._verifies:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context


class NoEndpoint(Endpoint):
    """What an address is that cannot be one: it takes nothing, and the records are kept.

    Args:
        why: what is wrong.
    """

    def __init__(self, why: str) -> None:
        super().__init__("http://localhost", None)
        self._why = why

    def post(self, body: bytes) -> Answer:
        self._backoff.failed()
        raise Unavailable(f"{self._why}; ship it with `datacat sync --server-url`")


def _head(address: SplitResult, api_key: str | None) -> bytes:
    """What every request begins with. Raises ValueError for an address or a key that no header can hold."""
    lines = [
        f"POST {address.path.rstrip('/')}{_PATH} HTTP/1.1",
        f"Host: {address.netloc.rpartition('@')[2]}",
        "Content-Type: application/x-ndjson",
    ]
    if api_key:
        lines.append(f"Authorization: Bearer {api_key}")
    if not all(line.isprintable() for line in lines) or lines[0].count(" ") != 2:
        raise ValueError("the address or the key has characters that cannot be sent")
    return "".join(f"{line}\r\n" for line in lines).encode("latin-1")


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


def _said(status: int, content: bytes) -> tuple[str, str]:
    """What an answer that is none says: its kind and details where it is DataCat's, else how it begins."""
    kind = ""
    try:
        answer: Any = json.loads(content)
        details: Any = answer["details"]
        kind = str(answer.get("error"))
    except (ValueError, KeyError, TypeError):
        details = content[:_MOST_QUOTED].decode("utf-8", "replace")
    advice = KEY_ADVICE if status in _NOT_WITH_THIS_KEY else ""
    return kind, f"{status}: {str(details)[:_MOST_QUOTED]}{advice}"


def certificate_trouble(error: object) -> str | None:
    """What is wrong with a certificate, and what to do, where that is what an error is about; None otherwise."""
    reason = getattr(error, "verify_message", None)  # of ssl.SSLCertVerificationError
    return f"{CERTIFICATE}: {reason}. Name the file of its authority in $SSL_CERT_FILE" if reason else None


def explained(error: object) -> str:
    """Why a server could not be asked, in words."""
    if (trouble := certificate_trouble(error)) is not None:
        return f"{trouble}, or set tls_verify to false to do without"
    return f"{type(error).__name__}: {error}"


def _seconds(retry_after: str | None) -> float:
    """How long to wait, from a `Retry-After` header (RFC 9110, 10.2.3): seconds, or the date when to come again."""
    if not retry_after:
        return 0.0
    if retry_after.strip().isdigit():
        return float(retry_after)
    from email.utils import parsedate_to_datetime  # hardly ever needed, and large

    try:
        return max(0.0, parsedate_to_datetime(retry_after).timestamp() - time.time())
    except (ValueError, TypeError, IndexError):
        return 0.0
