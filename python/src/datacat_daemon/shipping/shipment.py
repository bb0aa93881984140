"""One session on its way to its server: when it is due, what is sent, and what the answer means."""

from __future__ import annotations

import time
from pathlib import Path

from datacat._compat import now_us

from datacat_daemon.config import Config
from datacat_daemon.shipping.backoff import Backoff
from datacat_daemon.shipping.batch import Batch
from datacat_daemon.shipping.endpoint import Answer, Endpoint, Failed, NoEndpoint, Refused, Unavailable
from datacat_daemon.shipping.outbox import Disagreement, Outbox
from datacat_daemon.shipping.rejected import Rejected
from datacat_daemon.shipping.wire import session_line
from datacat_daemon.spool.log import TAKES_AGAIN, DaemonLog
from datacat_daemon.spool.manifest import Manifest

KEEP_ALIVE_SECONDS = 10.0
"""How often a session without records is brought up to date, so that the server knows its machine is there."""

_REST_SECONDS = 2.0
_SHORTEST_INTERVAL = 0.05
_BATCHES_A_TURN = 20
_FAILURES_OF_A_BODY = 3
_FAILURES_OF_A_RECORD = 5


class _RefusedSession(Exception):
    """The server will not have the session itself; the message says why."""


class Shipment:
    """One session to be shipped: what the watcher tells the shipper, and back.

    The watcher sets `last_heartbeat` and `dropped` (see `session_line`), `ended_writers` that
    will write no more, `resting` when the session has ended though its process goes on, `finished` when it has
    written its last word, and `released` when it is not to be shipped any more; it calls `ask` to have it shipped at
    once. The shipper then sets `done` once the server has everything, or `refused` when the server
    will not have the session at all. Each is one store of one thread, so no lock is needed.
    """

    def __init__(
        self, folder: Path, manifest: Manifest, endpoint: Endpoint, log: DaemonLog, config: Config | None = None
    ) -> None:
        config = config or Config()
        self.folder = folder
        self.manifest = manifest
        self.endpoint = endpoint
        self.log = log
        self.last_heartbeat: int | None = None
        self.dropped = 0
        self.ended_writers: frozenset[str] = frozenset()
        self.finished = False
        self.resting = False
        self.released = False
        self.done = False
        self._rejected = Rejected(folder, log)
        self.refused = self._rejected.whole_session
        self.failing = False
        interval = manifest.batch_interval_seconds
        self._interval = max(_SHORTEST_INTERVAL, config.batch_interval_seconds if interval is None else interval)
        self._outbox = Outbox(folder, log, config.max_batch_size, int(self._interval * 1e6))
        self._told_on = 0
        self._brief = False
        self._asked = 1
        self._answered = 0
        self._hurries = False
        self._told_heartbeat: int | None = None
        self._sent_heartbeat: int | None = None
        self._sent_at = 0.0
        self._due = 0.0
        self._disagreements = Backoff()
        self._failures = 0
        self._patience = _FAILURES_OF_A_RECORD
        self.tried_at = 0.0

    @property
    def undeliverable(self) -> bool:
        """The server's address is none."""
        return isinstance(self.endpoint, NoEndpoint)

    @property
    def over(self) -> bool:
        """Nothing of it will be shipped any more."""
        return self.done or self.refused or self.released

    def ask(self) -> None:
        """Have it shipped at once. For the watcher's thread alone."""
        self._asked += 1

    def due_at(self) -> float:
        """When it is to be shipped next, by the monotonic clock."""
        if self.over:
            return float("inf")
        hurries = self._hurries or self._asked != self._answered
        return max(0.0 if hurries else self._due, self.endpoint.ready_at, self._disagreements.ready_at)

    def ship(self) -> None:
        """Read what is new and send it, unless there is nothing to say. Leaves `failing` behind.

        Raises OSError where something in the spool cannot be read; what could be has been sent then.
        """
        finished = self._outbox.over = self.finished
        asked = self._asked
        urgent = self._hurries or asked != self._answered
        self._answered, self._hurries = asked, False
        now = self.tried_at = time.monotonic()
        self._due = now + self._interval
        self._outbox.fill(now_us(), self.ended_writers)
        if urgent or finished:
            # A second pass lets go of what was younger than the begin of the first.
            self._outbox.fill(now_us(), self.ended_writers)
        try:
            sent = self._send_batches()
            if not sent and self._heartbeat_is_due(now):
                self._send_line()
        except _RefusedSession as error:
            self._refuse(str(error))
            return
        except Unavailable as error:
            self.failing = True
            self._hurries = urgent
            self.log.write(f"{self.manifest.session_id}: {self.manifest.server_url}: {error}")
            return
        if self.failing:
            self.failing = False
            self.log.write(f"{self.manifest.session_id}: {self.manifest.server_url}{TAKES_AGAIN}")
        if self._outbox.behind or (not self._outbox.empty and (finished or self.resting)):
            self._hurries = True
        elif self._outbox.empty and self.resting and not finished:
            self._due = now + _REST_SECONDS
            self._outbox.close()
        elif finished:
            self.done = (
                bool(self._sent_at)
                and self._outbox.fill(now_us(), self.ended_writers) == 0
                and self._outbox.unread is None
            )
        if self._outbox.unread is not None:
            raise self._outbox.unread

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
                answer = self._post(batch.body(self._line(batch.assumed, len(batch.sent))))
                session = self.manifest.session_id
                self._outbox.settle(
                    answer.positions.get(session, {}), answer.refused, answer.state_changes.get(session)
                )
            except Refused as error:
                if batch.single:
                    self._send_line()  # is it the record, or the session?
                self._outbox.split(str(error))
            except Failed as error:
                self._doubt(batch, error)
            except Disagreement as error:
                self.hold_back()
                raise Unavailable(str(error)) from error
            else:
                self._note_taken()
            if self._outbox.behind:
                self._outbox.fill(now_us(), self.ended_writers)
        return _BATCHES_A_TURN

    def _send_line(self) -> None:
        """Send the session's line alone."""
        try:
            answer = self._post(self._line() + b"\n")
        except Refused as error:
            raise _RefusedSession(str(error)) from error
        if self.manifest.session_id not in answer.positions:
            self.hold_back()
            raise Unavailable("an answer without the session")
        self._note_sent()
        self._outbox.note_known()

    def _post(self, body: bytes) -> Answer:
        answer = self.endpoint.post(body)
        if answer.refused and self.manifest.session_id not in answer.positions:
            raise _RefusedSession(str(answer.refused[0].details.get("details")))
        return answer

    def _doubt(self, batch: Batch, error: Failed) -> None:
        """The server failed at a batch. Always raises Unavailable, so that there is a pause before the next try.

        A server in trouble is waited for, however long that takes. But if it fails at one body again and again, and
        takes the session's line right afterwards, a record may be what it fails at: then the batch is halved, time and
        again, and a record that is left alone is set aside at last. That costs one record's place in the session, not
        the record. So that a server which fails at all records does not have them all set aside, each one takes twice
        as many failures as the one before, until a record is taken again.
        """
        if self._failures + 1 >= _FAILURES_OF_A_BODY:
            self._send_line()
            self.hold_back()
        self._failures += 1
        if self._failures >= (self._patience if batch.single else _FAILURES_OF_A_BODY):
            self._outbox.split(str(error))
            self._patience *= 2 if batch.single else 1
            self._failures = 0 if batch.single else _FAILURES_OF_A_BODY - 1
        raise error

    def _note_taken(self) -> None:
        self._disagreements.succeeded()
        self._patience = _FAILURES_OF_A_RECORD
        self._failures = 0
        self._note_sent()

    def _note_sent(self) -> None:
        if not self._brief:
            self._told_on = self.endpoint.connections
        self._sent_heartbeat = self._told_heartbeat
        self._sent_at = time.monotonic()

    def _heartbeat_is_due(self, now: float) -> bool:
        if not self._sent_at:
            return True
        beaten = self.last_heartbeat != self._sent_heartbeat
        pause = KEEP_ALIVE_SECONDS / 2 if beaten else KEEP_ALIVE_SECONDS
        return not (self.finished or self.resting) and now - self._sent_at >= pause

    def _line(self, state_changes: int | None = None, records: int = 0) -> bytes:
        """The session's line; whole once a connection, for there may be another server behind the next one."""
        self._brief = self._told_on == self.endpoint.connections > 0
        self._told_heartbeat = self.last_heartbeat
        return session_line(self.manifest, self._told_heartbeat, self.dropped, state_changes, self._brief, records)

    def _refuse(self, reason: str) -> None:
        self.refused = True
        self.log.write(f"{self.manifest.session_id}: the server refuses the session: {reason}")
        self._rejected.keep_session(reason)
