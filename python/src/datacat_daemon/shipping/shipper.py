"""Ships sessions to their servers: a thread per server, so that none delays another or the watching of a process."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

from datacat.address import server_address

from datacat_daemon.config import Config
from datacat_daemon.shipping.endpoint import Endpoint, NoEndpoint
from datacat_daemon.shipping.shipment import Shipment
from datacat_daemon.spool.descriptors import most_sessions_open
from datacat_daemon.spool.log import DaemonLog
from datacat_daemon.spool.manifest import Manifest


class Shipper:
    """Takes shipments, each to the thread of its server. They come and go while those run.

    Args:
        config: the daemon's settings.
        note_over: called by those threads when nothing more will be shipped of some of them.

    Attributes:
        config: the daemon's settings.
    """

    def __init__(self, config: Config, note_over: Callable[[], None] = lambda: None) -> None:
        self.config = config
        self._note_over = note_over
        self._lanes: dict[tuple[str, str | None], _Lane] = {}

    @property
    def crowded(self) -> bool:
        """There are so many sessions that each may have files open only while it is looked at."""
        return sum(len(lane) for lane in list(self._lanes.values())) > most_sessions_open()

    def stop(self, timeout: float) -> None:
        """End all threads, waiting for them up to `timeout` seconds, and let go of what they had open."""
        for lane in self._lanes.values():
            lane.ask_to_stop()
        deadline = time.monotonic() + timeout
        for lane in self._lanes.values():
            lane.join(deadline - time.monotonic())

    def wake(self) -> None:
        """Look at all shipments now."""
        for lane in self._lanes.values():
            lane.wake()

    def add(self, folder: Path, manifest: Manifest, log: DaemonLog) -> Shipment:
        """Ship a session from now on; where its server's address is none, its records are kept."""
        key = (manifest.server_url, manifest.api_key)
        if key not in self._lanes:
            self._lanes[key] = _Lane(_endpoint(*key, self.config), self.config, lambda: self.crowded, self._note_over)
        return self._lanes[key].add(folder, manifest, log)

    def remove(self, shipment: Shipment) -> None:
        """Ship a session no more. Only for one that is done or refused: its thread might be at work on another."""
        self._lanes[shipment.manifest.server_url, shipment.manifest.api_key].remove(shipment)


def _endpoint(url: str, api_key: str | None, config: Config) -> Endpoint:
    try:
        return Endpoint(server_address(url) or url, api_key, config)
    except ValueError as error:
        return NoEndpoint(str(error))


class _Lane:
    """One server's thread and the shipments to it."""

    def __init__(
        self, endpoint: Endpoint, config: Config, crowded: Callable[[], bool], note_over: Callable[[], None]
    ) -> None:
        self._crowded = crowded
        self._note_over = note_over
        self._endpoint = endpoint
        self.config = config
        self._shipments: list[Shipment] = []
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._stop = False
        self._thread = threading.Thread(target=self._run, name="shipper", daemon=True)
        self._thread.start()

    def __len__(self) -> int:
        return len(self._shipments)

    def ask_to_stop(self) -> None:
        self._stop = True
        self._wake.set()

    def join(self, timeout: float) -> None:
        self._thread.join(max(0.0, timeout))
        if not self._thread.is_alive():
            for shipment in self._shipments:
                shipment.close()
            self._endpoint.close()

    def wake(self) -> None:
        self._wake.set()

    def add(self, folder: Path, manifest: Manifest, log: DaemonLog) -> Shipment:
        shipment = Shipment(folder, manifest, self._endpoint, log, self.config)
        with self._lock:
            self._shipments.append(shipment)
        self._wake.set()
        return shipment

    def remove(self, shipment: Shipment) -> None:
        with self._lock:
            if shipment in self._shipments:
                self._shipments.remove(shipment)
        shipment.close()

    def _run(self) -> None:
        while not self._stop:
            shipments = self._still_to_be_shipped()
            next_due = min((shipment.due_at() for shipment in shipments), default=float("inf"))
            self._wake.wait(min(max(0.0, next_due - time.monotonic()), 1.0))
            self._wake.clear()
            # Whoever has waited longest is first: while a server is away there is one try for all of its sessions.
            some_are_over = False
            for shipment in sorted(shipments, key=lambda shipment: shipment.tried_at):
                if not self._stop and shipment.due_at() <= time.monotonic():
                    self._ship(shipment)
                    some_are_over |= shipment.over
            if some_are_over:  # told once: whoever is told looks at all of them
                self._note_over()

    def _still_to_be_shipped(self) -> list[Shipment]:
        with self._lock:
            over: list[Shipment] = []
            rest: list[Shipment] = []
            for shipment in self._shipments:
                (over if shipment.refused or shipment.released else rest).append(shipment)
            self._shipments = list(rest)
        for shipment in over:  # here, for no other thread can know whether one is being shipped
            shipment.close()
        return rest

    def _ship(self, shipment: Shipment) -> None:
        try:
            shipment.ship()
        except Exception as error:  # one odd session must not keep the others from being shipped
            shipment.log.write(f"{shipment.manifest.session_id}: not shipped: {error!r}")
            shipment.hold_back()
        if self._crowded():
            shipment.close()
