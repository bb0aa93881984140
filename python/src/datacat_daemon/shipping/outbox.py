"""What of a session is still to be shipped: reads its writers, cuts batches, and keeps the server's positions.

The server's word is final. It keeps the next ordinal of every writer; `acked.json` remembers what it last said. If an
answer names another position than the batch was meant to reach, reading goes on (or goes back) to that position. What
is not in the spool any more is sent as lost. So nothing here depends on knowing what became of an unanswered batch.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from datacat._compat import replace_file
from datacat.segment import segment_name

from datacat_daemon.shipping.endpoint import Refusal
from datacat_daemon.shipping.merge import Merger
from datacat_daemon.shipping.wire import record_line, writer_line
from datacat_daemon.spool.acknowledged import positions_in
from datacat_daemon.spool.log import DaemonLog
from datacat_daemon.spool.reader import Record, WriterReader, writers_in

MOST_RECORDS = 5_000
MOST_BYTES = 1 << 20
_QUEUE_RECORDS = 20_000
_QUEUE_BYTES = 8 << 20
_PASS_RECORDS = 5_000


class Disagreement(Exception):
    """The server's answer does not fit what was sent; the message says how."""


@dataclass(frozen=True)
class Batch:
    """Records that are shipped together, and the range `[first, next)` of each writer that they are."""

    records: list[Record]
    lines: list[bytes]
    ranges: dict[str, tuple[int, int]]

    @property
    def single(self) -> bool:
        """It is of one record, and so cannot be split."""
        return len(self.records) == 1

    def body(self, session: bytes) -> bytes:
        """The NDJSON body, behind the session's line."""
        return b"\n".join([session, *self.lines, b""])


class Outbox:
    """One session's records on their way to the server.

    Args:
        folder: the session's folder in the spool.
        log: where troubles are written.
    """

    def __init__(self, folder: Path, log: DaemonLog) -> None:
        self._folder = folder
        self._log = log
        self._acked = positions_in(folder)
        self._readers: dict[str, WriterReader] = {}
        self._merger = Merger()
        self._queue: deque[Record] = deque()
        self._queued_bytes = 0
        self._batch: Batch | None = None
        self._most_records = MOST_RECORDS
        self._aside: set[tuple[str, int]] = set()
        self._unread: OSError | None = None

    @property
    def empty(self) -> bool:
        """Nothing that was read waits to be shipped."""
        return not self._queue and not len(self._merger)

    @property
    def unread(self) -> OSError | None:
        """Why something could not be read at the last `fill`; None where all of it was."""
        return self._unread

    def close(self) -> None:
        """Let go of the open segments."""
        for reader in self._readers.values():
            reader.close()

    def fill(self, now: int) -> int:
        """Read what the writers have committed; returns how many records that were. Sets `unread`.

        Args:
            now: the wall clock before the call, microseconds since 1970 UTC.
        """
        if len(self._queue) >= _QUEUE_RECORDS or self._queued_bytes >= _QUEUE_BYTES:
            return 0
        fresh: list[Record] = []
        horizon = now
        complete = True
        self._unread = None
        for writer in self._writers():
            reader = self._reader(writer)
            records = reader.read(_PASS_RECORDS)
            self._unread = self._unread or reader.trouble
            if len(records) == _PASS_RECORDS:
                horizon = min(horizon, records[-1].time)
                complete = False
            fresh += records
        for record in self._merger.merge(fresh, horizon, complete):
            self._queue.append(record)
            self._queued_bytes += len(record.payload)
        return len(fresh)

    def next_batch(self) -> Batch | None:
        """The oldest records that wait, as one batch; the same one again until it is settled."""
        if self._batch is None:
            self._batch = self._cut()
        return self._batch

    def settle(self, positions: dict[str, int], refused: Iterable[Refusal]) -> None:
        """Act on the server's answer to the batch. Raises Disagreement where that cannot be done."""
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
        if not moved:
            raise Disagreement(f"nothing of {batch.ranges} was taken, the positions are {positions}")
        for refusal in refused:
            self._set_refused_aside(batch, refusal)
        self._most_records = min(MOST_RECORDS, self._most_records * 2)
        self._save_positions()
        self._delete_acknowledged()

    def split(self, reason: str) -> None:
        """The server refused the batch as a whole: try with half of it, set aside the record that is to blame."""
        batch = self._batch
        if batch is None:
            return
        self._batch = None
        if batch.single:
            self._set_aside(batch.records[0], {"error": "refused", "details": reason})
        else:
            self._most_records = len(batch.records) // 2

    def _writers(self) -> Iterable[str]:
        try:
            return writers_in(self._folder)
        except OSError as error:
            self._unread = error
            return ()

    def _reader(self, writer: str) -> WriterReader:
        if writer not in self._readers:
            self._readers[writer] = WriterReader(self._folder, writer, self._acked.get(writer, 0))
        return self._readers[writer]

    def _cut(self) -> Batch | None:
        records: list[Record] = []
        lines: list[bytes] = []
        ranges: dict[str, tuple[int, int]] = {}
        size = 0
        self._drop_settled()
        for record in self._queue:
            if self._is_settled(record):
                continue
            first, following = ranges.get(record.writer, (record.ordinal, record.ordinal))
            if record.ordinal != following or len(records) >= self._most_records or size >= MOST_BYTES:
                break
            try:
                line = record_line(record)
            except ValueError as error:
                self._set_aside(record, {"error": "bad_record", "details": str(error)})
                continue
            records.append(record)
            lines.append(line)
            size += len(line)
            ranges[record.writer] = (first, record.ordinal + 1)
        if not records:
            return None
        writers = [
            writer_line(writer, first, following, first > self._acked.get(writer, 0))
            for writer, (first, following) in ranges.items()
        ]
        return Batch(records, writers + lines, ranges)

    def _is_settled(self, record: Record) -> bool:
        return record.ordinal < self._acked.get(record.writer, 0) or (record.writer, record.ordinal) in self._aside

    def _drop_settled(self) -> None:
        while self._queue and self._is_settled(self._queue[0]):
            self._queued_bytes -= len(self._queue.popleft().payload)

    def _go_back(self, writer: str, position: int) -> None:
        self._log.write(f"{self._folder.name}: the server goes on at {position} of {writer}")
        self._readers.pop(writer).close()
        self._merger.forget(writer)
        self._queue = deque(record for record in self._queue if record.writer != writer)
        self._queued_bytes = sum(len(record.payload) for record in self._queue)

    def _save_positions(self) -> None:
        self._drop_settled()
        path = self._folder / "acked.json"
        try:
            replace_file(str(path), json.dumps(self._acked).encode("ascii"))
        except OSError as error:
            self._log.write(f"{path}: {error}")

    def _delete_acknowledged(self) -> None:
        for writer, reader in self._readers.items():
            while reader.finished and reader.finished[0][1] <= self._acked.get(writer, 0):
                sequence, _ = reader.finished.pop(0)
                try:
                    (self._folder / segment_name(writer, sequence)).unlink()
                except OSError as error:
                    self._log.write(f"a shipped segment stays: {error}")

    def _set_refused_aside(self, batch: Batch, refusal: Refusal) -> None:
        for record in batch.records:
            if record.writer == refusal.writer and record.ordinal == refusal.ordinal:
                self._set_aside(record, refusal.details)
                return
        self._log.write(f"{self._folder.name}: refused: {refusal.details}")

    def _set_aside(self, record: Record, why: dict[str, object]) -> None:
        self._aside.add((record.writer, record.ordinal))
        content = {
            **why,
            "time": record.time,
            "kind": record.kind,
            "payload": record.payload.decode("utf-8", "replace"),
        }
        path = self._folder / "rejected" / f"{record.writer}.{record.ordinal}.json"
        self._log.write(f"{self._folder.name}: set aside {path.name}: {why.get('details')}")
        try:
            path.parent.mkdir(mode=0o700, exist_ok=True)
            path.write_text(json.dumps(content))
        except OSError as error:
            self._log.write(f"{path}: {error}")
