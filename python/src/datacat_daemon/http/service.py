"""A daemon that listens: what it answers, and for how long it stays."""

from __future__ import annotations

import time
from pathlib import Path

from datacat_daemon.config import Config
from datacat_daemon.daemon import Daemon, Wish
from datacat_daemon.http.listener import Listener
from datacat_daemon.http.registry import Registry
from datacat_daemon.http.routes import Routes
from datacat_daemon.spool.log import DaemonLog
from datacat_daemon.watching.process import Process

_SHIP_SECONDS = 3.0


class Service:
    """A daemon with its HTTP endpoints on 127.0.0.1.

    Args:
        spool: the folder that holds the process folders.
        config: the daemon's settings.
        port: where to listen; 0 takes a free port. Raises OSError where it cannot be had.
        starter: the process for whose sake it listens; None: until it is asked to leave.
        log: where troubles are written.
        folder: the process folder that it was started for, if it was.

    Attributes:
        daemon: the daemon; `run` runs it.
        port: where it listens.
    """

    def __init__(
        self,
        spool: Path,
        config: Config,
        port: int,
        starter: Process | None,
        log: DaemonLog,
        folder: Path | None = None,
    ) -> None:
        self._listener = Listener(port, log.write)
        self.port = self._listener.port
        self.daemon = Daemon(spool, config, self._wish, starter, lambda folder: self._registry.note_end(folder))
        self._registry = Registry(spool, config, self.daemon, folder)
        self._routes = Routes(self._registry, config, self.port, self.daemon.wake)
        self._starter = starter
        self._leaves = False
        self._leaves_at: float | None = None

    def run(self) -> None:
        """Answer, and look after what is registered, until there is nothing left to do or `leave` was called."""
        self._listener.start(self._routes)
        try:
            self.daemon.run()
        finally:
            self._listener.close()

    def leave(self) -> None:
        """Listen no more, ship what can be shipped shortly, and be done. From any thread or signal handler."""
        self._leaves = True
        self.daemon.wake()

    def _wish(self) -> Wish:
        if self._leaves:
            return self._wish_of_one_who_leaves()
        if self._starter is not None and self._starter.has_ended():
            self._registry.close()
            return Wish.FINISH
        return Wish.STAY

    def _wish_of_one_who_leaves(self) -> Wish:
        if self._leaves_at is None:
            self._listener.close()
            self._registry.ask_to_ship()
            self._leaves_at = time.monotonic() + _SHIP_SECONDS
        over = time.monotonic() >= self._leaves_at or self._registry.is_shipped()
        return Wish.LEAVE if over else Wish.STAY
