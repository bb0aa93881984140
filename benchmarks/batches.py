"""Batches of events as daemons send them, made before the clock runs, and a connection that sends them."""

import gzip
import http.client
from collections.abc import Callable
from urllib.parse import urlsplit

import zstandard

START = 1_795_298_400_000_000  # microseconds since 1970
WRITER = "10-0"
EVENTS = 1_000
"""In a batch."""

PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "plain": lambda body: body,
    "gzip": lambda body: gzip.compress(body, 6),
    "zstd": zstandard.ZstdCompressor(3).compress,
}

_EVENT = b'{"kind":"event","writer":"%b","ordinal":%d,"time":%d,"name":"moved","data":{"x":%d,"y":20}}\n'


def event_batch(session: str, first: int, count: int = EVENTS) -> bytes:
    """Events with the ordinals `[first, first + count)`; each 115 bytes long from the 100,000th on."""
    writer = WRITER.encode()
    events = [_EVENT % (writer, ordinal, START + ordinal, ordinal) for ordinal in range(first, first + count)]
    return head(session, first, first + count) + b"".join(events)


def head(session: str, first: int, end: int) -> bytes:
    """The lines that a batch of one session begins with."""
    return (
        b'{"kind":"session","id":"%b","product":"benchmark","version":"1","time":%d}\n'
        b'{"kind":"writer","writer":"%b","first":%d,"next":%d}\n'
    ) % (session.encode(), START, WRITER.encode(), first, end)


class Connection:
    """One kept-alive connection to a server."""

    def __init__(self, url: str) -> None:
        address = urlsplit(url)
        self._http = http.client.HTTPConnection(str(address.hostname), address.port, timeout=60)

    def send(self, body: bytes, packed: str = "plain") -> bytes:
        """Send a batch; the server's answer. Raises RuntimeError for any other than 200."""
        headers = {"Content-Type": "application/x-ndjson"}
        if packed != "plain":
            headers["Content-Encoding"] = packed
        return self.request("POST", "/api/ingest", body, headers)

    def request(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
        expected: int = 200,
    ) -> bytes:
        """Any call. Raises RuntimeError for any other answer than the expected one."""
        self._http.request(method, path, body, headers or {"Content-Type": "application/json"})
        answer = self._http.getresponse()
        content = answer.read()
        if answer.status != expected:
            raise RuntimeError(f"{method} {path}: {answer.status} {content[:200]!r}")
        return content

    def close(self) -> None:
        self._http.close()
