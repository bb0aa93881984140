"""What of a session is still to be shipped: reads its writers, cuts batches, and keeps the server's positions.

The server's word is final. It keeps the next ordinal of every writer; `acked.json` remembers what it last said. If an
answer names another position than the batch was meant to reach, reading goes on (or goes back) to that position. What
is not in the spool any more is sent as lost. So nothing here depends on knowing what became of an unanswered batch.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Container, Sequence
from operator import attrgetter
from pathlib import Path

from datacat._compat import replace_file
from datacat.segment import segment_name

from datacat_daemon.shipping.batch import Batch, make_batch, take
from datacat_daemon.shipping.endpoint import Refusal
from datacat_daemon.shipping.known_state import KnownState
from datacat_daemon.shipping.merge import Merger
from datacat_daemon.shipping.rejected import Rejected
from datacat_daemon.spool.acknowledged import positions_in
from datacat_daemon.spool.descriptors import MOST_WRITERS_OPEN
from datacat_daemon.spool.log import DaemonLog
from datacat_daemon.spool.reader import Record, WriterReader, writers_in

MOST_RECORDS = 5_000
_QUEUE_RECORDS = 5_000
_QUEUE_BYTES = 4 << 20
_PASS_RECORDS = 10_000
_PASS_BYTES = 2 << 20
_LEAST_RECORDS = 100  # of each writer in a pass, however many there are
_LEAST_BYTES = 32 << 10


_payload_of = attrgetter("payload")


class Disagreement(Exception):
    """The server's answer does not fit what was sent; the message says how."""


class Outbox:
    """One session's records on their way to the server.

    Args:
        folder: the session's folder in the spool.
        log: where troubles are written.
        most_records: how many are shipped at once.
        interval_us: microseconds of records that may be folded into one.

    Attributes:
        over: all writers had written their last before the next `fill`.
    """

    def __init__(
        self, folder: Path, log: DaemonLog, most_records: int = MOST_RECORDS, interval_us: int = 1_000_000
    ) -> None:
        self.over = False
        self._folder = folder
        self._log = log
        self._acked = positions_in(folder)
        self._readers: dict[str, WriterReader] = {}
        self._merger = Merger()
        self._queue: deque[Record] = deque()
        self._queued_bytes = 0
        self._batch: Batch | None = None
        self._limit = self._most_records = most_records
        self._interval_us = interval_us
        self._state = KnownState()
        self._aside: set[tuple[str, int]] = set()
        self._rejected = Rejected(folder, log)
        self._ended: dict[str, list[int]] = {}
        self._more = False
        self._unread: OSError | None = None
        self._shipped: set[Path] = set()

    @property
    def empty(self) -> bool:
        """Nothing that was read waits to be shipped."""
        return not self._queue and not len(self._merger)

    @property
    def behind(self) -> bool:
        """More waits than was shipped; what came since then does not count."""
        return bool(self._queue) or self._more

    @property
    def unread(self) -> OSError | None:
        """Why something could not be read at the last `fill`; None where all of it was."""
        return self._unread

    def close(self) -> None:
        """Let go of the open segments."""
        for reader in self._readers.values():
            reader.close()

    def fill(self, now: int, ended: Container[str] = ()) -> int:
        """Read what the writers have committed; returns how many records that were. Sets `unread`.

        Args:
            now: the wall clock before the call, microseconds since 1970 UTC.
            ended: writers that had written their last before the call; what they have left goes once it is shipped.
        """
        if len(self._queue) >= max(_QUEUE_RECORDS, self._most_records) or self._queued_bytes >= _QUEUE_BYTES:
            return 0
        fresh: list[list[Record]] = []
        unfinished: set[str] = set()
        self._unread = None
        writers = self._writers()
        most_records = max(_LEAST_RECORDS, _PASS_RECORDS // max(1, len(writers)))
        most_bytes = max(_LEAST_BYTES, _PASS_BYTES // max(1, len(writers)))
        for writer in writers:
            reader = self._reader(writer)
            records = reader.read(most_records, most_bytes, self.over or writer in ended)
            if len(writers) > MOST_WRITERS_OPEN:
                reader.close()
            self._unread = self._unread or reader.trouble
            if records:
                fresh.append(records)
                if reader.more:
                    unfinished.add(writer)
            elif writer in ended and reader.trouble is None:
                self._ended[writer] = writers[writer]
        self._delete_acknowledged()
        self._more = bool(unfinished)
        ready = self._merger.merge(fresh, now, unfinished)
        held = len(self._merger)
        alone = len(writers) == 1 and unfinished
        if held and (alone or held >= _QUEUE_RECORDS or self._merger.held_bytes() >= _QUEUE_BYTES):
            # Nobody else may say anything earlier; or a clock was set back, and there is more of it than can be held.
            ready += self._merger.let_go()
        self._queue += ready
        self._queued_bytes += sum(map(len, map(_payload_of, ready)))
        return sum(map(len, fresh))

    def next_batch(self) -> Batch | None:
        """The oldest records that wait, as one batch; the same one again until it is settled."""
        if self._batch is None:
            self._batch = self._cut()
        return self._batch

    def settle(self, positions: dict[str, int], refused: Sequence[Refusal], state_changes: int | None = None) -> None:
        """Act on the server's answer to the batch. Raises Disagreement where that cannot be done.

        Args:
            positions: by writer, the ordinal that the server expects next.
            refused: what it refused for good.
            state_changes: how many changes of the state it counts now; None where the batch was not applied just now.
        """
        batch = self._batch
        if batch is None:
            return
        missing = [writer for writer in batch.ranges if writer not in positions]
        if missing:
            raise Disagreement(f"no position for writer {missing[0]}")
        moved = False
        for writer, (first, _) in batch.ranges.items():
            position = positions[writer]
            moved |= position != self._acked.get(writer, 0)
            self._acked[writer] = position
            if position < first:
                self._go_back(writer, position)
        self._batch = None
        if not moved or refused or state_changes is None:
            self._state.forget()
        else:
            self._state.learn(batch.patches, state_changes)
        if not moved:
            raise Disagreement(f"nothing of {batch.ranges} was taken, the positions are {positions}")
        sent: dict[tuple[str | None, int | None], Record] = {}
        if refused:
            sent = {(record.writer, record.ordinal): record for record in batch.sent}
        for refusal in refused:
            record = sent.get((refusal.writer, refusal.ordinal))
            if record is not None:
                self._set_aside(record, refusal.details)
            else:
                self._log.write(f"{self._folder.name}: refused: {refusal.details}")
        self._most_records = min(self._limit, self._most_records * 2)
        self._save_positions()
        self._delete_acknowledged()

    def split(self, reason: str) -> None:
        """The server refused the batch as a whole: try with half of it, set aside the record that is to blame."""
        batch = self._batch
        if batch is None:
            return
        self._batch = None
        self._state.forget()
        if batch.single:
            self._set_aside(batch.records[0], {"error": "refused", "details": reason})
        else:
            self._most_records = len(batch.records) // 2

    def _writers(self) -> dict[str, list[int]]:
        try:
            return writers_in(self._folder)
        except OSError as error:
            self._unread = error
            return {}

    def _reader(self, writer: str) -> WriterReader:
        if writer not in self._readers:
            self._readers[writer] = WriterReader(self._folder, writer, self._acked.get(writer, 0))
        return self._readers[writer]

    def _cut(self) -> Batch | None:
        self._drop_settled()
        taken = take(self._queue, self._most_records, self._acked, self._aside)
        for record in taken.odd:
            self._set_aside(record, {"error": "bad_record", "details": "the payload is not a JSON object"})
        if not taken.records:
            return None
        return make_batch(taken.records, taken.ranges, self._acked, self._state, self._interval_us)

    def _drop_settled(self) -> None:
        queue, acked, aside = self._queue, self._acked, self._aside
        while queue:
            writer, ordinal, _, _, _, payload = queue[0]
            if ordinal >= acked.get(writer, 0) and (writer, ordinal) not in aside:
                break
            queue.popleft()
            self._queued_bytes -= len(payload)

    def _go_back(self, writer: str, position: int) -> None:
        self._log.write(f"{self._folder.name}: the server goes on at {position} of {writer}")
        self._readers.pop(writer).close()
        self._ended.pop(writer, None)
        self._merger.forget(writer)
        self._queue = deque(record for record in self._queue if record.writer != writer)
        self._queued_bytes = sum(len(record.payload) for record in self._queue)

    def note_known(self) -> None:
        """The server has the session: from now on `acked.json` is there, also before any record."""
        if not (self._folder / "acked.json").exists():
            self._save_positions()

    def _save_positions(self) -> None:
        self._drop_settled()
        self._aside = {(writer, ordinal) for writer, ordinal in self._aside if ordinal >= self._acked.get(writer, 0)}
        path = self._folder / "acked.json"
        try:
            replace_file(str(path), json.dumps(self._acked).encode("ascii"))
        except OSError as error:
            self._log.write(f"{path}: {error}")

    def _delete_acknowledged(self) -> None:
        for writer, reader in self._readers.items():
            while reader.finished and reader.finished[0][1] <= self._acked.get(writer, 0):
                sequence, _ = reader.finished.pop(0)
                self._shipped.add(self._folder / segment_name(writer, sequence))
                if sequence == reader.sequence:
                    reader.close()  # its blocks are free only then
        for writer, sequences in list(self._ended.items()):
            if self._readers[writer].next <= self._acked.get(writer, 0):
                self._shipped.update(self._folder / segment_name(writer, sequence) for sequence in sequences)
                self._readers.pop(writer).close()
                self._merger.forget(writer)
                del self._ended[writer]

        self._delete_shipped()

    def _delete_shipped(self) -> None:
        """Delete what is shipped; what cannot be deleted, as on Windows while its writer still maps it, next time."""
        for path in list(self._shipped):
            try:
                path.unlink(missing_ok=True)
                self._shipped.discard(path)
            except OSError as error:
                self._log.write(f"a shipped segment stays for now: {error}")

    def _set_aside(self, record: Record, why: dict[str, object]) -> None:
        self._aside.add((record.writer, record.ordinal))
        self._rejected.keep(record, why)
