"""Senders that keep a server busy, resend what was not acknowledged, and know what was."""

import http.client
import itertools
import json
import threading
import time
from collections.abc import Callable

START = 1_795_298_400_000_000
_RETRY_SECONDS = 0.01

Call = Callable[[str, bytes], bool]


class Sender(threading.Thread):
    """One connection that sends until it is told to stop. `acknowledged`: the names of events that were answered 200.

    Args:
        address: host and port of the server.
        session: its session; no two senders share one.
    """

    def __init__(self, address: tuple[str, int], session: str) -> None:
        super().__init__(daemon=True)
        self.session = session
        self.acknowledged: list[str] = []
        self._address = address
        self._stopping = threading.Event()
        self._connection: http.client.HTTPConnection | None = None

    def stop(self) -> None:
        """Finish what is under way; the server has to be up."""
        self._stopping.set()
        self.join()
        if self._connection is not None:
            self._connection.close()

    @property
    def stopping(self) -> bool:
        return self._stopping.is_set()

    def post(self, path: str, body: bytes) -> bool:
        """Whether the server has answered 200. Where it is away: not, after a moment."""
        try:
            if self._connection is None:
                self._connection = http.client.HTTPConnection(*self._address, timeout=30)
            self._connection.request("POST", path, body, {"Content-Type": "application/json"})
            answer = self._connection.getresponse()
            answer.read()
            return answer.status == 200
        except (OSError, http.client.HTTPException):
            if self._connection is not None:
                self._connection.close()
            self._connection = None
            time.sleep(_RETRY_SECONDS)
            return False


class BatchSender(Sender):
    """Sends batches as a daemon does: the same again until it is acknowledged."""

    def __init__(self, address: tuple[str, int], session: str, size: int) -> None:
        super().__init__(address, session)
        self._size = size

    def run(self) -> None:
        for first in itertools.count(0, self._size):
            names = [f"e{ordinal}" for ordinal in range(first, first + self._size)]
            while not self.post("/api/ingest", self._batch(first, names)):
                pass
            self.acknowledged += names
            if self.stopping:
                return

    def _batch(self, first: int, names: list[str]) -> bytes:
        lines: list[dict[str, object]] = [
            {"kind": "session", "id": self.session, "product": "Load", "version": "1", "time": START},
            {"kind": "writer", "writer": "1-0", "first": first, "next": first + len(names)},
        ]
        for ordinal, name in enumerate(names, first):
            lines.append({"kind": "event", "writer": "1-0", "ordinal": ordinal, "time": START + ordinal, "name": name})
        return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


class SingleSender(Sender):
    """Sends one event a request, each once, as a program without a daemon does."""

    def run(self) -> None:
        made = json.dumps({"id": self.session, "product": "Load", "version": "1"}).encode()
        while not self.post("/api/sessions", made):
            pass
        for number in itertools.count():
            name = f"e{number}"
            if self.post(f"/api/sessions/{self.session}/events", json.dumps({"name": name}).encode()):
                self.acknowledged.append(name)
            if self.stopping:
                return
