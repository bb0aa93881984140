"""What each path does (SPEC section 3)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

from datacat.segment import EVENT, METRIC, STATE, URGENT

from datacat_daemon import __version__
from datacat_daemon.config import Config
from datacat_daemon.http import bodies
from datacat_daemon.http.bodies import Body
from datacat_daemon.http.errors import HttpError, bad_request, not_found
from datacat_daemon.http.guard import check, check_content_type
from datacat_daemon.http.protocol import Request
from datacat_daemon.http.registry import Registry

Answer = Any
_SHORTEST_TIMEOUT = 0.1
_LONGEST_TIMEOUT = 86_400.0


class Routes:
    """Answers requests.

    Args:
        registry: the sessions.
        config: the daemon's settings.
        port: where we listen.
        wake: has the daemon look at once.
    """

    def __init__(self, registry: Registry, config: Config, port: int, wake: Callable[[], None]) -> None:
        self._registry = registry
        self._config = config
        self._port = port
        self._wake = wake
        self._reading: dict[str, Callable[[dict[str, str]], Answer]] = {
            "/health": self._health,
            "/session": self._session,
            "/sessions": self._sessions,
        }
        self._writing: dict[str, Callable[[Body], Answer]] = {
            "/register": self._register,
            "/state": self._state,
            "/event": self._event,
            "/metric": self._metric,
            "/heartbeat": self._heartbeat,
            "/pause_heartbeat": self._pause,
            "/resume_heartbeat": self._resume,
            "/end": self._end,
        }

    def __call__(self, request: Request) -> Answer:
        """The JSON of a 200. Raises HttpError."""
        head = request.head
        check(head, self._port)
        path, _, query = head.target.partition("?")
        if path in self._reading:
            _expect(head.method, "GET", path)
            return self._reading[path]({name: values[-1] for name, values in parse_qs(query).items()})
        if path in self._writing:
            _expect(head.method, "POST", path)
            check_content_type(head)
            answer = self._writing[path](bodies.parse(request.body))
            return {"status": "ok"} if answer is None else answer
        known = ", ".join([*self._reading, *self._writing])
        raise not_found(f"there is no {path[:100]} here; there are {known}")

    def _health(self, query: dict[str, str]) -> Answer:
        return {"status": "healthy", "service": "datacat-daemon", "version": __version__}

    def _session(self, query: dict[str, str]) -> Answer:
        if not query.get("session_id"):
            raise bad_request("session_id: is missing; ask for /session?session_id=...")
        return self._registry.whole(query["session_id"])

    def _sessions(self, query: dict[str, str]) -> Answer:
        return self._registry.summaries()

    def _register(self, body: Body) -> Answer:
        pid = bodies.whole_number(body, "parent_pid")
        if pid is None:
            raise bad_request("parent_pid: is missing; send the process id of your program")
        product, version = bodies.text(body, "product"), bodies.text(body, "version")
        return {"status": "ok", "session_id": self._registry.register(pid, product, version)}

    def _state(self, body: Body) -> Answer:
        self._registry.written(bodies.session_id(body)).write(STATE, 0, bodies.state_fields(body))

    def _event(self, body: Body) -> Answer:
        session = self._registry.written(bodies.session_id(body))
        fields = bodies.event_fields(body)
        urgent = "exception_type" in fields
        uncaught = urgent and bodies.flag(body, "uncaught")
        session.write(EVENT, URGENT if urgent else 0, fields)
        if uncaught:
            session.uncaught()
        if urgent:
            self._wake()

    def _metric(self, body: Body) -> Answer:
        self._registry.written(bodies.session_id(body)).write(METRIC, 0, bodies.metric_fields(body))

    def _heartbeat(self, body: Body) -> Answer:
        session = self._registry.written(bodies.session_id(body))
        timeout = bodies.number(body, "timeout")
        if timeout is not None and not _SHORTEST_TIMEOUT <= timeout <= _LONGEST_TIMEOUT:
            raise bad_request(f"timeout: expected {_SHORTEST_TIMEOUT:g} to {_LONGEST_TIMEOUT:g} seconds")
        session.heartbeat(timeout, self._config.heartbeat_timeout_seconds)

    def _pause(self, body: Body) -> Answer:
        self._registry.written(bodies.session_id(body)).pause(True)

    def _resume(self, body: Body) -> Answer:
        self._registry.written(bodies.session_id(body)).pause(False)

    def _end(self, body: Body) -> Answer:
        self._registry.written(bodies.session_id(body)).end()
        self._wake()


def _expect(method: str, expected: str, path: str) -> None:
    if method != expected:
        raise HttpError(405, "method_not_allowed", f"{path} takes {expected}", {"Allow": expected})
