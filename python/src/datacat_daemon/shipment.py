"""One session on its way to its server: when it is due, what is sent, and what the answer means."""

from __future__ import annotations

import json
import time
from pathlib import Path

from datacat._compat import now_us

from datacat_daemon.backoff import Backoff
from datacat_daemon.endpoint import Endpoint, Refused, Unavailable
from datacat_daemon.log import DaemonLog
from datacat_daemon.manifest import Manifest
from datacat_daemon.outbox import Disagreement, Outbox
from datacat_daemon.wire import session_line

KEEP_ALIVE_SECONDS = 10.0
"""How often a session without records is brought up to date, so that the server knows its machine is there."""

_REST_SECONDS = 2.0
_BATCHES_A_TURN = 20
_REFUSED_SESSION = "session.json"


class Shipment:
    """One session to be shipped: what the watcher tells the shipper, and back.

    The watcher sets `last_heartbeat` and `dropped` (see `session_line`), `urgent` to ship at once, `resting` when the
    session has ended though its process goes on, and `finished` when it has written its last word. The shipper then
    sets `done` once the server has everything, or `refused` when the server will not have the session at all. Each is
    one store of one thread, so no lock is needed.
    """

    def __init__(self, folder: Path, manifest: Manifest, endpoint: Endpoint, log: DaemonLog) -> None:
        self.folder = folder
        self.manifest = manifest
        self.endpoint = endpoint
        self.log = log
        self.last_heartbeat: int | None = None
        self.dropped = 0
        self.urgent = True
        self.finished = False
        self.resting = False
        self.done = False
        self.refused = (folder / "rejected" / _REFUSED_SESSION).exists()
        self.failing = False
        self._outbox = Outbox(folder, log)
        self._sent_heartbeat: int | None = None
        self._sent_at = 0.0
        self._due = 0.0
        self._disagreements = Backoff()
        self.tried_at = 0.0

    def due_at(self) -> float:
        """When it is to be shipped next, by the monotonic clock."""
        if self.done or self.refused:
            return float("inf")
        return max(0.0 if self.urgent else self._due, self.endpoint.ready_at, self._disagreements.ready_at)

    def ship(self) -> None:
        """Read what is new and send it, unless there is nothing to say. Leaves `failing` behind."""
        finished = self.finished
        urgent, self.urgent = self.urgent, False
        now = self.tried_at = time.monotonic()
        self._due = now + max(0.05, self.manifest.batch_interval_seconds)
        self._outbox.fill(now_us())
        if urgent or finished:
            # A second pass lets go of what was younger than the begin of the first.
            self._outbox.fill(now_us())
        try:
            sent = self._send_batches()
            if not sent and self._heartbeat_is_due(now):
                self._send(self._line())
        except Unavailable as error:
            self.failing = True
            self.urgent = urgent or self.urgent
            self.log.write(f"{self.manifest.session_id}: {self.manifest.server_url}: {error}")
            return
        if self.failing:
            self.failing = False
            self.log.write(f"{self.manifest.session_id}: {self.manifest.server_url} takes records again")
        if not self._outbox.empty:
            self.urgent = True
        elif self.resting and not finished:
            self._due = now + _REST_SECONDS
            self._outbox.close()
        elif finished:
            self.done = bool(self._sent_at) and self._outbox.fill(now_us()) == 0

    def hold_back(self) -> None:
        """Something is wrong with this session alone: leave it for a while, the others go on."""
        self._disagreements.failed()

    def close(self) -> None:
        """Let go of its files."""
        self._outbox.close()

    def _send_batches(self) -> int:
        for sent in range(_BATCHES_A_TURN):
            batch = self._outbox.next_batch()
            if batch is None:
                return sent
            try:
                answer = self.endpoint.post(batch.body(self._line()))
                positions = answer.positions.get(self.manifest.session_id, {})
                self._outbox.settle(positions, answer.refused.get(self.manifest.session_id, []))
            except Refused as error:
                self._outbox.split(str(error))
            except Disagreement as error:
                self.hold_back()
                raise Unavailable(str(error)) from error
            else:
                self._disagreements.succeeded()
                self._note_sent()
            self._outbox.fill(now_us())
        return _BATCHES_A_TURN

    def _send(self, line: bytes) -> None:
        try:
            self.endpoint.post(line + b"\n")
        except Refused as error:
            self._refuse(str(error))
        else:
            self._note_sent()

    def _note_sent(self) -> None:
        self._sent_heartbeat = self.last_heartbeat
        self._sent_at = time.monotonic()

    def _heartbeat_is_due(self, now: float) -> bool:
        if not self._sent_at:
            return True
        beaten = self.last_heartbeat != self._sent_heartbeat
        pause = KEEP_ALIVE_SECONDS / 2 if beaten else KEEP_ALIVE_SECONDS
        return not (self.finished or self.resting) and now - self._sent_at >= pause

    def _line(self) -> bytes:
        return session_line(self.manifest, self.last_heartbeat, self.dropped)

    def _refuse(self, reason: str) -> None:
        self.refused = True
        self.log.write(f"{self.manifest.session_id}: the server refuses the session: {reason}")
        path = self.folder / "rejected" / _REFUSED_SESSION
        try:
            path.parent.mkdir(mode=0o700, exist_ok=True)
            path.write_text(json.dumps({"error": "refused", "details": reason}))
        except OSError as error:
            self.log.write(f"{path}: {error}")
