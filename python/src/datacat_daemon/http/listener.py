"""Listens on 127.0.0.1: one thread for all connections, none of which can hold up another.

A request must be whole ten seconds after its first byte, so a slow sender keeps nothing but its own connection. When
there are too many connections, the one that has been silent for longest makes room.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

from datacat_daemon.http.errors import HttpError, unavailable
from datacat_daemon.http.protocol import Request, RequestReader, answer

MOST_CONNECTIONS = 128
MOST_HELD = 32 << 20
REQUEST_SECONDS = 10.0
IDLE_SECONDS = 60.0
_LINGER_SECONDS = 2.0
_STOP_SECONDS = 5.0
_PAUSE_SECONDS = 0.02
_RECEIVE = 1 << 16
_MOST_UNSENT = 1 << 20

Respond = Callable[[Request], Any]


class Listener:
    """Answers requests by `respond` until it is closed.

    Args:
        port: on 127.0.0.1; 0 takes a free one. Raises OSError where it cannot be had.
        log: takes a sentence about what should not have happened.

    Attributes:
        port: where it listens.
    """

    def __init__(self, port: int, log: Callable[[str], None]) -> None:
        self._socket = socket.create_server(("127.0.0.1", port), backlog=128)
        self._socket.setblocking(False)
        self.port: int = self._socket.getsockname()[1]
        self._log = log
        self._alarm, self._ringer = socket.socketpair()  # not a pipe: on Windows a selector takes sockets only
        self._closing = False
        self._connections: set[_Connection] = set()
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._socket, selectors.EVENT_READ, None)
        self._selector.register(self._alarm, selectors.EVENT_READ, None)
        self._thread: threading.Thread | None = None

    def start(self, respond: Respond) -> None:
        """Begin to answer.

        Args:
            respond: gives the JSON of a 200, or raises HttpError. Called by one thread only.
        """
        self._thread = threading.Thread(target=self._run, args=(respond,), name="http", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Listen no more; what was asked has been answered when this returns."""
        if self._closing:
            return
        self._closing = True
        self._ringer.send(b"!")
        if self._thread is not None:
            self._thread.join(_STOP_SECONDS)
        self._selector.close()
        self._socket.close()
        self._alarm.close()
        self._ringer.close()

    def _run(self, respond: Respond) -> None:
        while not self._closing:
            try:
                self._turn(respond)
            except Exception as error:  # whatever it is, who asks next is to be answered
                self._log(f"a turn of the listener failed: {error!r}")
                time.sleep(_PAUSE_SECONDS)
        for connection in list(self._connections):
            self._drop(connection)

    def _turn(self, respond: Respond) -> None:
        for key, events in self._selector.select(self._patience()):
            if key.fileobj is self._socket:
                self._accept()
            elif isinstance(key.data, _Connection):
                self._serve(key.data, events, respond)
        self._drop_late()

    def _patience(self) -> float:
        earliest = min((connection.deadline for connection in self._connections), default=float("inf"))
        return max(0.0, min(earliest - time.monotonic(), IDLE_SECONDS))

    def _accept(self) -> None:
        try:
            accepted, _ = self._socket.accept()
        except BlockingIOError:
            return
        except OSError as error:  # no descriptor left, most likely: it stays readable until there is one
            self._log(f"no connection taken: {error}")
            self._drop_one()
            time.sleep(_PAUSE_SECONDS)
            return
        if len(self._connections) >= MOST_CONNECTIONS:
            self._drop_one()
        connection = _Connection(accepted)
        self._connections.add(connection)
        self._selector.register(accepted, selectors.EVENT_READ, connection)

    def _serve(self, connection: _Connection, events: int, respond: Respond) -> None:
        if connection not in self._connections:  # dropped in this very turn
            return
        try:
            if events & selectors.EVENT_READ:
                connection.receive()
                self._refuse_hoarder(connection)
                connection.respond(respond, self._log)
            connection.send()
            if not connection.unsent and not connection.closing and events & selectors.EVENT_WRITE:
                connection.respond(respond, self._log)
                connection.send()
        except OSError:
            connection.done = True
        except Exception as error:
            self._log(f"a connection was closed: {error!r}")
            connection.done = True
        if connection.done:
            self._drop(connection)
        else:
            self._selector.modify(connection.socket, connection.awaits(), connection)

    def _refuse_hoarder(self, connection: _Connection) -> None:
        if connection.reader.size > _RECEIVE and sum(each.reader.size for each in self._connections) > MOST_HELD:
            connection.refuse(unavailable("too much is being sent at once; try again"))

    def _drop_one(self) -> None:
        """Make room: a connection that nothing is under way on, else the one that is nearest to its deadline."""
        if self._connections:
            self._drop(min(self._connections, key=lambda each: (each.busy, each.deadline)))

    def _drop_late(self) -> None:
        now = time.monotonic()
        for connection in [each for each in self._connections if each.deadline <= now]:
            if connection.reader.begun and not connection.closing:
                connection.refuse(HttpError(408, "timeout", f"a request takes at most {REQUEST_SECONDS:g} s"))
                with contextlib.suppress(OSError):
                    connection.send()
            self._drop(connection)

    def _drop(self, connection: _Connection) -> None:
        self._connections.discard(connection)
        with contextlib.suppress(KeyError, ValueError):
            self._selector.unregister(connection.socket)
        connection.socket.close()


class _Connection:
    """One connection: what came, what is still to be sent, and until when.

    Attributes:
        closing: its last answer is made.
        done: nothing more is to be done for it.
    """

    def __init__(self, accepted: socket.socket) -> None:
        accepted.setblocking(False)
        accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = accepted
        self.reader = RequestReader()
        self.unsent = b""
        self.closing = False
        self.done = False
        self.deadline = time.monotonic() + REQUEST_SECONDS
        self._lingers = False

    @property
    def busy(self) -> bool:
        """A request is under way on it."""
        return self.reader.begun or bool(self.unsent)

    def awaits(self) -> int:
        """What it waits for, as the selector calls it."""
        return selectors.EVENT_WRITE if self.unsent else selectors.EVENT_READ

    def receive(self) -> None:
        """Take what has come. Raises OSError where the connection is broken."""
        try:
            data = self.socket.recv(_RECEIVE)
        except BlockingIOError:
            return
        if not data:
            self.done = not self.unsent
            self.closing = True
        elif not self.closing:
            if not self.busy:
                self.deadline = time.monotonic() + REQUEST_SECONDS
            self.reader.feed(data)

    def respond(self, respond: Respond, log: Callable[[str], None]) -> None:
        """Answer all requests that are whole, as long as their answers are read, too."""
        while not self.closing and len(self.unsent) < _MOST_UNSENT:
            try:
                request = self.reader.next()
            except HttpError as error:
                self.refuse(error)
                return
            if request is None:
                self.unsent += self.reader.go_ahead()
                return
            self._answer(request, respond, log)

    def _answer(self, request: Request, respond: Respond, log: Callable[[str], None]) -> None:
        self.closing = not request.head.keeps_alive
        head_only = request.head.method == "HEAD"
        try:
            said = answer(200, respond(request), self.closing, {}, head_only)
        except HttpError as error:
            content = {"error": error.error, "details": error.details}
            said = answer(error.status, content, self.closing, error.headers, head_only)
        except Exception as error:
            log(f"{request.head.method} {request.head.target}: {error!r}")
            content = {"error": "internal", "details": "the daemon failed at this; its log says how"}
            said = answer(500, content, self.closing, {}, head_only)
        self.unsent += said
        self.deadline = time.monotonic() + (REQUEST_SECONDS if self.reader.begun else IDLE_SECONDS)

    def refuse(self, error: HttpError) -> None:
        """Answer with an error, and read no further request."""
        content = {"error": error.error, "details": error.details}
        self.unsent += answer(error.status, content, True, error.headers)
        self.closing = True
        self.deadline = time.monotonic() + REQUEST_SECONDS

    def send(self) -> None:
        """Send what can be sent. Raises OSError where the connection is broken."""
        if self.unsent:
            try:
                self.unsent = self.unsent[self.socket.send(self.unsent) :]
            except BlockingIOError:
                return
        if self.closing and not self.unsent and not self._lingers:
            # Were it closed while the other side still sends, its system would throw our answer away.
            self._lingers = True
            self.deadline = time.monotonic() + _LINGER_SECONDS
            self.socket.shutdown(socket.SHUT_WR)
