"""Receivers of webhooks, on real sockets, and the delivery to them as a server does it."""

import asyncio
import json
import threading
import time
import urllib.request
from collections.abc import Callable
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from datacat_server.alerts.chore import deliver_alerts
from datacat_server.config import Config
from datacat_server.store.sqlite import SqliteStore

CRASH = {"kind": "status", "status": "crashed", "reason": "killed by SIGSEGV", "data": {"kind": "signal"}}
HANG = {"kind": "status", "status": "hung", "reason": "the heartbeat stopped"}
RAISED = {
    "kind": "event", "name": "exception", "exception_type": "KeyError", "exception_msg": "'x'",
    "stacktrace": ["Traceback (most recent call last):", '  File "/app/game.py", line 3, in load', "KeyError: 'x'"],
}  # fmt: skip


class Request:
    """What came to a receiver."""

    def __init__(self, received: Message, body: bytes) -> None:
        self.received = received
        self.headers = {name.lower(): value for name, value in received.items()}
        self.body = body
        self.content: dict[str, Any] = json.loads(body)
        self.delivery = self.headers["x-datacat-delivery"]


class Receiver:
    """A receiver; `answers` holds what it answers next, a status or what is done with the connection; then `judge`.

    `judge` makes a status of a request; 200 of any, unless it is set.
    """

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.answers: list[int | Callable[[BaseHTTPRequestHandler], None]] = []
        self.judge: Callable[[Request], int] = lambda request: 200
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                request = Request(self.headers, body)
                receiver.requests.append(request)
                answer = receiver.answers.pop(0) if receiver.answers else receiver.judge(request)
                if callable(answer):
                    answer(self)
                    return
                self.send_response(answer)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args: object) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook/path-that-is-secret"

    def wait_for(self, count: int) -> list[Request]:
        """The first requests, when so many have come."""
        wait_until(lambda: len(self.requests) >= count)
        return self.requests[:count]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def wait_until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "waited for a minute"
        time.sleep(0.02)


class Delivery:
    """The chore of a server, in a thread of its own; ready when every webhook has its place."""

    def __init__(self, store: SqliteStore, config: Config) -> None:
        self._loop = asyncio.new_event_loop()
        self._task: asyncio.Task[None] | None = None
        self._thread = threading.Thread(target=self._run, args=(store, config))
        self._thread.start()
        wanted = {webhook.id for webhook in config.webhooks}
        wait_until(lambda: {row[0].split()[0] for row in webhooks(store)} == wanted)

    def _run(self, store: SqliteStore, config: Config) -> None:
        async def deliver() -> None:
            self._task = asyncio.create_task(deliver_alerts(store, config))
            await asyncio.wait([self._task])

        self._loop.run_until_complete(deliver())

    def stop_after(self, condition: Callable[[], object]) -> None:
        wait_until(condition)
        self.stop()

    def stop(self) -> None:
        if self._loop.is_closed():
            return
        if self._task is not None:
            self._loop.call_soon_threadsafe(self._task.cancel)
        self._thread.join()
        self._loop.close()


def webhooks(store: SqliteStore) -> list[tuple[Any, ...]]:
    """The rows of the webhooks: id, position and the attempts at what is under way."""
    return store._writer.run(
        lambda ledger: ledger.db.execute("SELECT id, position, attempts FROM webhooks ORDER BY id").fetchall()
    )


def never(handler: BaseHTTPRequestHandler) -> None:
    """No answer, until the other side has enough."""
    handler.rfile.read(1)


def started(start: Any, tmp_path: Path, receiver: Receiver) -> tuple[Any, str]:
    hooks = [{"url": receiver.url, "events": ["crash"]}]
    (tmp_path / "config.json").write_text(json.dumps({"webhooks": hooks}))
    server = start("datacat-server", "--port", "0")
    return server, server.addresses()[0]


def post(url: str, content: dict[str, Any]) -> None:
    body = json.dumps(content).encode()
    headers = {"Content-Type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=60) as answer:
        assert answer.status == 200
