"""Clears away what removed sessions have left, beside what comes in: one small step, a pause as long, the next one."""

import logging
import threading
import time

from datacat_server.store.errors import StoreDamaged, StoreError
from datacat_server.store.sqlite.file.ballast import Ballast
from datacat_server.store.sqlite.writing.ledger import Ledger
from datacat_server.store.sqlite.writing.writer import Writer

log = logging.getLogger("datacat.store")

_RETRY_SECONDS = 10.0


class Sweeper:
    """A thread that runs while there is something to clear away."""

    def __init__(self, writer: Writer, ballast: Ballast) -> None:
        self._writer = writer
        self._ballast = ballast
        self._lock = threading.Lock()
        self._again = False
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """See to it that everything there is to clear away will be; returns at once."""
        with self._lock:
            self._again = True
            if (self._thread is None or not self._thread.is_alive()) and not self._stopping.is_set():
                self._thread = threading.Thread(target=self._run, name="datacat-store-sweeper", daemon=True)
                self._thread.start()

    def wait(self, seconds: float | None = None) -> bool:
        """Return when nothing is left to clear away, or the sweeper was stopped, or seconds are over: whether it is."""
        thread = self._thread
        if thread is not None:
            thread.join(seconds)
        return thread is None or not thread.is_alive()

    def stop(self) -> None:
        """Leave the rest to the next one."""
        self._stopping.set()
        self.wait()

    def _run(self) -> None:
        while self._wanted():
            try:
                self._sweep()
            except StoreDamaged as error:
                log.error("what removed sessions have left could not be cleared away: %s", error)
                self._stopping.set()
            except StoreError as error:
                log.error("what removed sessions have left could not be cleared away yet: %s", error)
                self._again = True
                self._stopping.wait(_RETRY_SECONDS)

    def _wanted(self) -> bool:
        with self._lock:
            wanted, self._again = self._again and not self._stopping.is_set(), False
            if not wanted:
                self._thread = None
            return wanted

    def _sweep(self) -> None:
        for step in (Ledger.clear_some, Ledger.shrink_some):
            more = True
            while more and not self._stopping.is_set():
                began = time.monotonic()
                more = self._writer.run(step, frees=True)
                self._stopping.wait(time.monotonic() - began)
        self._ballast.make()
