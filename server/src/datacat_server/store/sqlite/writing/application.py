"""Applies one batch of records to its session, inside the writer's transaction. Each record exactly once."""

import sqlite3
import time
from collections.abc import Collection, Sequence
from typing import cast

import msgspec

from datacat_server.ingest.lifecycle import event_of, hear, judge, reason_of
from datacat_server.ingest.presumption import WITHDRAWN, confirm, confirms, is_sign_of_life, withdraw, withdrawal
from datacat_server.ingest.records import (
    EventRecord,
    MetricRecord,
    Record,
    Refused,
    SessionBatch,
    StateRecord,
    StatusRecord,
    WriterLine,
)
from datacat_server.ingest.result import IngestResult, Positions
from datacat_server.ingest.validate import LARGEST_INTEGER
from datacat_server.store.sqlite.folds.courses import fold_points
from datacat_server.store.sqlite.folds.event_counts import count_events
from datacat_server.store.sqlite.folds.metrics import (
    MOST_SERIES,
    Fold,
    Point,
    key_of,
    open_series,
    save_series,
    weight_of,
)
from datacat_server.store.sqlite.folds.states import advance
from datacat_server.store.sqlite.folds.tally import write_tally
from datacat_server.store.sqlite.folds.timeline import fold_events
from datacat_server.store.sqlite.rows.events import columns_of
from datacat_server.store.sqlite.writing.alert_rows import (
    ALERTING,
    alert_of_problems,
    alert_row,
    drop_alerts_of_nothing,
    withdrawn_alerts,
)
from datacat_server.store.sqlite.writing.live import LiveSession, save
from datacat_server.store.sqlite.writing.machines import forget_return
from datacat_server.store.sqlite.writing.pending import Pending

MOST_WRITERS = 1_000
_MOST_REFUSALS_KEPT = 1_000
_DAEMON_WRITER = "daemon-"

_encode = msgspec.json.Encoder().encode


class Application:
    """One batch being applied to its session. `settled`: writers whose records are wanted, beside the batch's own."""

    def __init__(
        self, db: sqlite3.Connection, session: LiveSession, batch: SessionBatch, settled: Collection[str] = ()
    ) -> None:
        self.settled = set(settled)
        self._db = db
        self._session = session
        self._batch = batch
        self._refused: list[Refused] = []
        self._pending = Pending()
        self._events: list[EventRecord] = []
        self._exceptions: list[tuple[int, EventRecord]] = []  # each with its place among the events
        self._judged: list[tuple[int, StatusRecord]] = []  # each with the place of the event after it
        self._folds: dict[int, Fold] = {}

    def run(self, result: IngestResult) -> None:
        """Apply it, and add to the result what became of it."""
        session, batch = self._session, self._batch
        if batch.heard:
            session.received = time.time_ns() // 1000
            hear(session.standing)
        positions = self._settle()
        of_writers = len(self._refused)
        since = session.standing.presumed
        if since is not None and batch.heard and is_sign_of_life(batch, self.settled, since):
            self._withdraw(since)
        records = self._wanted()
        if set(map(type, records)) == {EventRecord}:
            self._events += cast(list[EventRecord], records)
        else:
            self._take_each(records)
        self._take_events()
        session.tally.take(self._exceptions, self._judged, session.facts, more_events=bool(self._events))
        of_records = len(self._refused) - of_writers
        self._keep_refusals_of_the_batch()
        if batch.heartbeat is not None:
            session.last_heartbeat = max(session.last_heartbeat or 0, batch.heartbeat)
            session.updated = max(session.updated, batch.heartbeat)
        for fold in self._folds.values():
            if (point := fold.close_batch()) is not None:
                self._pending.points.append(point)
        save_series(self._db, list(self._folds.values()))
        self._pending.write(self._db)
        added, length = self._pending, session.event_count + session.states.next_seq
        session.timeline = fold_events(
            self._db, session.row, length, session.timeline, added.events, added.state_changes
        )
        fold_points(self._db, session.courses, self._folds.values(), self._pending.points)
        if self._pending.events is not None:
            session.event_pairs = count_events(self._db, session.row, session.event_pairs, self._pending.events)
        save(self._db, session)
        self._count()
        settled = result.sessions.setdefault(batch.id, Positions(writers={}))
        settled.writers.update(positions)
        if batch.writers and self.settled >= positions.keys():
            settled.state_changes = session.states.next_seq
        result.refused.extend(self._refused)
        result.applied += len(records) - of_records

    def _count(self) -> None:
        """What the session counts in its release and in problems, once it is there to be counted."""
        session = self._session
        if not session.published:
            session.tally.hold(self._db, session.row, session.counted)
            return
        opened, left = write_tally(self._db, session.row, session.tally, session.counted)
        if opened and self._batch.heard:
            alert_of_problems(self._db, session.row, opened)
        if left:
            drop_alerts_of_nothing(self._db, session.row, left)

    def _wanted(self) -> list[Record]:
        """The records of the batch that are to be taken up, and then applied or refused."""
        records, settled = self._batch.records, self.settled
        if {record.writer for record in records} <= settled | {None}:
            return records
        return [record for record in records if record.writer is None or record.writer in settled]

    def _take_each(self, records: Sequence[Record]) -> None:
        for record in records:
            if type(record) is EventRecord:  # they are taken together, afterwards
                self._events.append(record)
                continue
            try:
                self._record(record)
            except ValueError as error:
                self._refuse(refused(self._batch.id, record, str(error)))

    def add_points(self, fold: Fold, points: Sequence[Point]) -> None:
        """Have a series and points of it saved that were folded elsewhere."""
        self._folds[fold.row] = fold
        self._pending.points.extend(points)

    def _settle(self) -> dict[str, int]:
        """Move the writers on whose range comes next; only their records are to be applied. The positions of all.

        Where one range does not fit, none is taken: what its daemon says last, how the session ended, must not come
        before what it will send again.
        """
        session = self._session
        positions = {}
        whole = all(_fits(line, session.writers.get(line.writer, 0)) for line in self._batch.writers)
        header = self._batch.header
        if header is not None and header.state_changes not in (None, session.states.next_seq):
            whole = False  # somebody else has changed the state, from which the sender has left out what it knew
        for line in self._batch.writers:
            if line.writer not in session.writers and len(session.writers) >= MOST_WRITERS:
                positions[line.writer] = line.next  # as if taken: its daemon would send it again for ever
                self._refuse(_too_many_writers(self._batch.id, line))
                continue
            position = session.writers.get(line.writer, 0)
            if whole and line.next > position:
                session.lost_count = min(session.lost_count + line.first - position, LARGEST_INTEGER)
                session.writers[line.writer] = position = line.next
                self._pending.writers.append((session.row, line.writer, line.next))
                self.settled.add(line.writer)
            positions[line.writer] = position
        return positions

    def _keep_refusals_of_the_batch(self) -> None:
        known = {line.writer for line in self._batch.writers}
        for refusal in self._batch.refused:
            # A batch that was sent again brings its refusals again; they are kept the first time only.
            if refusal.writer in self.settled or (refusal.writer not in known and (self.settled or not known)):
                self._keep(refusal)
            self._refused.append(refusal)
        if self.settled or not known:
            self._session.refused_count += self._batch.unnamed_refusals

    def _record(self, record: Record) -> None:
        match record:
            case MetricRecord():
                self._metric(record)
            case StateRecord():
                add_state(self._session, record.time, record.state, self._pending)
            case StatusRecord():
                self._status(record)
        self._session.updated = max(self._session.updated, record.time)

    def _event(self, event: EventRecord) -> None:
        """An event that is not in the batch: it comes in between, as if it were."""
        self._events.append(event)

    def _take_events(self) -> None:
        """Their rows and counts; what else is folded of events belongs here, once for all of them."""
        if not self._events:
            return
        session, events = self._session, self._events
        self._pending.events = columns = columns_of(session.row, events)
        session.event_count += len(events)
        if exceptions := sum(columns.is_exception):
            session.exception_count += exceptions
            placed = enumerate(events)
            self._exceptions = [(place, event) for place, event in placed if event.exception_type is not None]
        session.updated = max(session.updated, max(columns.time))

    def _metric(self, record: MetricRecord) -> None:
        session = self._session
        # What a daemon says of a process by itself are vitals; the application has writers of its own.
        key = key_of(record, vital=record.writer is not None and record.writer.startswith(_DAEMON_WRITER))
        fold = session.series.get(key)
        if fold is None:
            if len(session.series) >= MOST_SERIES:
                raise ValueError(
                    f"name: the session has {MOST_SERIES:,} series already; use fewer names, tags or buckets"
                )
            fold = session.series[key] = open_series(self._db, session.row, key)
            session.series_weight += weight_of(key)
        if (point := fold.add(record)) is not None:
            self._pending.points.append(point)
        self._folds[fold.row] = fold
        if not key[0]:
            session.metric_count += 1

    def _status(self, record: StatusRecord) -> None:
        session, batch = self._session, self._batch
        if record.status == WITHDRAWN:  # only a replayed verdict can be one that this server would give itself
            withdraw(session.standing)
            self._keep_verdict(record)
            return
        if session.standing.presumed is not None and record.status in ("ended", "crashed"):
            self._weigh_presumption(record, session.standing.presumed)
        changed = judge(session.standing, record)
        if changed and batch.presumed is not None:
            session.standing.presumed = batch.presumed
        if changed:
            self._judged.append((len(self._events), record))
        self._keep_verdict(record)
        # A verdict that comes too late is evidence and no event; a replayed one has its event already.
        if changed and not batch.replayed and (event := event_of(record)) is not None:
            self._events.append(event)
        if changed and batch.heard and record.status in ALERTING:
            self._pending.alerts.append(alert_row(session.row, ALERTING[record.status], record.time, reason_of(record)))

    def _weigh_presumption(self, record: StatusRecord, since: int) -> None:
        """The machine's own verdict has come to a crash that was presumed."""
        session = self._session
        if not confirms(record):
            self._withdraw(since)
            return
        confirm(session.standing, record)
        self._judged.append((len(self._events), record))
        if forget_return(self._db, session.row):
            self._pending.alerts.append(alert_row(session.row, "crash", record.time, reason_of(record)))

    def _withdraw(self, since: int) -> None:
        """Take back a crash that was presumed: the session was heard from again."""
        session = self._session
        withdraw(session.standing)
        forget_return(self._db, session.row)
        record = withdrawal(max(since, session.received))
        self._pending.alerts += withdrawn_alerts(self._db, session.row, record.time, reason_of(record))
        self._keep_verdict(record)
        if (event := event_of(record)) is not None:
            self._events.append(event)

    def _keep_verdict(self, record: StatusRecord) -> None:
        session = self._session
        data = _encode(record.data or {}).decode()
        self._pending.verdicts.append(
            (session.row, session.verdict_count, record.time, record.status, reason_of(record), data)
        )
        session.verdict_count += 1

    def _refuse(self, refusal: Refused) -> None:
        self._keep(refusal)
        self._refused.append(refusal)

    def _keep(self, refusal: Refused) -> None:
        session = self._session
        if session.refused_count < _MOST_REFUSALS_KEPT:
            self._pending.refusals.append(
                (session.row, session.received, refusal.writer, refusal.ordinal, refusal.error, refusal.details)
            )
        session.refused_count += 1


def add_state(session: LiveSession, time: int, patch: dict[str, object], pending: Pending) -> None:
    """Merge a patch into the session's state. Raises ValueError where the state would grow too large."""
    change = advance(session.states, patch)
    if change is not None:
        pending.state_changes.append((session.row, change.seq, time, change.patch))
        if change.snapshot is not None:
            pending.snapshots.append((session.row, change.seq, change.snapshot))


def refused(session_id: str, record: Record, details: str) -> Refused:
    """The refusal of a record."""
    return Refused(
        session=session_id,
        writer=record.writer,
        ordinal=record.ordinal,
        line=None,
        error="bad_request",
        details=details,
    )


def _fits(line: WriterLine, position: int) -> bool:
    """Whether a range comes next, or is here already."""
    return line.first == position or line.next <= position or (line.lost and line.first > position)


def _too_many_writers(session_id: str, line: WriterLine) -> Refused:
    return Refused(
        session=session_id,
        writer=line.writer,
        ordinal=None,
        line=None,
        error="bad_request",
        details=f"writer: the session has {MOST_WRITERS} writers already; all that this one sends is dropped",
    )
