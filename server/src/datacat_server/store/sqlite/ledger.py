"""Applies batches of records to the tables, inside the writer's transaction. Each record exactly once."""

import sqlite3
import time
from collections import OrderedDict
from collections.abc import Sequence

import msgspec

from datacat_server.ingest.lifecycle import Standing, event_of, judge, reason_of
from datacat_server.ingest.records import (
    EventRecord,
    MetricRecord,
    Record,
    Refused,
    SessionBatch,
    SessionLine,
    StateRecord,
    StatusRecord,
)
from datacat_server.ingest.result import IngestResult, Positions
from datacat_server.store.protocol import UnknownSession
from datacat_server.store.sqlite.events import event_row
from datacat_server.store.sqlite.live import LiveSession, insert, load, save
from datacat_server.store.sqlite.metrics import MOST_SERIES, Fold, key_of, open_series, save_series
from datacat_server.store.sqlite.pending import Pending
from datacat_server.store.sqlite.states import advance

_MOST_REMEMBERED = 1_000
_MOST_REFUSALS_KEPT = 1_000
_DAEMON_WRITER = "daemon-"

_TABLES = ("writers", "events", "state_changes", "snapshots", "series", "verdicts", "refusals")

_encode = msgspec.json.Encoder().encode


class Ledger:
    """The tables as the writer sees them, with what it remembers of sessions so as not to read them again."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._sessions: OrderedDict[str, LiveSession] = OrderedDict()
        self._touched: set[str] = set()

    def forget(self) -> None:
        """Drop what is remembered: the tables are not what they were thought to be."""
        self._sessions.clear()

    def begin(self) -> None:
        """What comes now may have to be undone by itself."""
        self._touched.clear()

    def undo(self) -> None:
        """The tables have been set back to where they were at `begin`."""
        for session_id in self._touched:
            self._sessions.pop(session_id, None)

    def apply(self, batches: Sequence[SessionBatch]) -> IngestResult:
        """Apply batches in order. Raises UnknownSession for one without a header whose session does not exist."""
        result = IngestResult()
        for batch in batches:
            session = self._session(batch)
            application = _Application(self._db, session, batch, result)
            application.run()
        return result

    def delete(self, session_id: str) -> None:
        """Remove a session with all that belongs to it. Raises UnknownSession."""
        found = self._db.execute("SELECT id FROM sessions WHERE session_id = ?", (session_id,)).fetchone()
        if found is None:
            raise UnknownSession(session_id)
        self._sessions.pop(session_id, None)
        self._db.execute("DELETE FROM points WHERE series IN (SELECT id FROM series WHERE session = ?)", found)
        for table in _TABLES:
            self._db.execute(f"DELETE FROM {table} WHERE session = ?", found)
        self._db.execute("DELETE FROM sessions WHERE id = ?", found)

    def _session(self, batch: SessionBatch) -> LiveSession:
        self._touched.add(batch.id)
        session = self._sessions.get(batch.id) or load(self._db, batch.id)
        if session is None:
            if batch.header is None:
                raise UnknownSession(batch.id)
            session = self._create(batch.header)
        elif batch.header is not None:
            _bring_up_to_date(session, batch.header)
        self._sessions[batch.id] = session
        self._sessions.move_to_end(batch.id)
        if len(self._sessions) > _MOST_REMEMBERED:
            self._sessions.popitem(last=False)
        return session

    def _create(self, header: SessionLine) -> LiveSession:
        session = LiveSession(
            row=0,
            created=header.time,
            updated=header.time,
            last_heartbeat=None,
            standing=Standing(),
            product=header.product,
            version=header.version,
            machine_id=header.machine_id,
            hostname=header.hostname,
            pid=header.pid,
            facts=_encode(header.facts or {}).decode(),
            dropped_count=header.dropped or 0,
        )
        session.row = insert(self._db, header.id, session)
        pending = Pending()
        add_state(session, header.time, {"product": header.product, "version": header.version}, pending)
        pending.write(self._db)
        return session


class _Application:
    """One batch being applied to its session."""

    def __init__(self, db: sqlite3.Connection, session: LiveSession, batch: SessionBatch, result: IngestResult) -> None:
        self._db = db
        self._session = session
        self._batch = batch
        self._result = result
        self._pending = Pending()
        self._folds: dict[int, Fold] = {}

    def run(self) -> None:
        session, batch = self._session, self._batch
        session.received = time.time_ns() // 1000
        settled = self._settle()
        for record in batch.records:
            if record.writer is None or record.writer in settled:
                try:
                    self._record(record)
                except ValueError as error:
                    self._refuse(record, str(error))
        known = {line.writer for line in batch.writers}
        for refused in batch.refused:
            # A batch that was sent again brings its refusals again; they are kept the first time only.
            if refused.writer in settled or (refused.writer not in known and (settled or not known)):
                self._keep(refused)
            self._result.refused.append(refused)
        if batch.heartbeat is not None:
            session.last_heartbeat = max(session.last_heartbeat or 0, batch.heartbeat)
            session.updated = max(session.updated, batch.heartbeat)
        for fold in self._folds.values():
            if (point := fold.close_batch()) is not None:
                self._pending.points.append(point)
        save_series(self._db, list(self._folds.values()))
        self._pending.write(self._db)
        save(self._db, session)
        positions = self._result.sessions.setdefault(batch.id, Positions(writers={}))
        positions.writers.update((line.writer, session.writers.get(line.writer, 0)) for line in batch.writers)

    def _settle(self) -> set[str]:
        """Move the writers on whose range comes next; only their records are to be applied."""
        settled = set()
        for line in self._batch.writers:
            position = self._session.writers.get(line.writer, 0)
            if line.first == position or (line.lost and line.first > position):
                self._session.lost_count += line.first - position
                self._session.writers[line.writer] = line.next
                self._pending.writers.append((self._session.row, line.writer, line.next))
                settled.add(line.writer)
        return settled

    def _record(self, record: Record) -> None:
        match record:
            case EventRecord():
                self._event(record)
            case MetricRecord():
                self._metric(record)
            case StateRecord():
                add_state(self._session, record.time, record.state, self._pending)
            case StatusRecord():
                self._status(record)
        self._session.updated = max(self._session.updated, record.time)

    def _event(self, record: EventRecord) -> None:
        self._pending.events.append(event_row(self._session.row, record))
        self._session.event_count += 1
        if record.exception_type is not None:
            self._session.exception_count += 1

    def _metric(self, record: MetricRecord) -> None:
        session = self._session
        # What a daemon says of a process by itself are vitals; the application has writers of its own.
        key = key_of(record, vital=record.writer is not None and record.writer.startswith(_DAEMON_WRITER))
        fold = session.series.get(key)
        if fold is None:
            if len(session.series) >= MOST_SERIES:
                raise ValueError(
                    f"name: the session has {MOST_SERIES} series already; use fewer names, tags or buckets"
                )
            fold = session.series[key] = open_series(self._db, session.row, key)
        if (point := fold.add(record)) is not None:
            self._pending.points.append(point)
        self._folds[fold.row] = fold
        if not key[0]:
            session.metric_count += 1

    def _status(self, record: StatusRecord) -> None:
        session = self._session
        judge(session.standing, record)
        data = _encode(record.data or {}).decode()
        self._pending.verdicts.append(
            (session.row, session.verdict_count, record.time, record.status, reason_of(record), data)
        )
        session.verdict_count += 1
        if (event := event_of(record)) is not None:
            self._event(event)

    def _refuse(self, record: Record, details: str) -> None:
        refused = Refused(
            session=self._batch.id,
            writer=record.writer,
            ordinal=record.ordinal,
            line=None,
            error="bad_request",
            details=details,
        )
        self._keep(refused)
        self._result.refused.append(refused)

    def _keep(self, refused: Refused) -> None:
        session = self._session
        if session.refused_count < _MOST_REFUSALS_KEPT:
            self._pending.refusals.append(
                (session.row, session.received, refused.writer, refused.ordinal, refused.error, refused.details)
            )
        session.refused_count += 1


def add_state(session: LiveSession, time: int, patch: dict[str, object], pending: Pending) -> None:
    """Merge a patch into the session's state. Raises ValueError where the state would grow too large."""
    change = advance(session.states, patch)
    if change is not None:
        pending.state_changes.append((session.row, change.seq, time, change.patch))
        if change.snapshot is not None:
            pending.snapshots.append((session.row, change.seq, change.snapshot))


def _bring_up_to_date(session: LiveSession, header: SessionLine) -> None:
    session.product, session.version = header.product, header.version
    session.created = min(session.created, header.time)
    session.machine_id = header.machine_id or session.machine_id
    session.hostname = header.hostname or session.hostname
    session.pid = header.pid if header.pid is not None else session.pid
    if header.facts is not None:
        session.facts = _encode(header.facts).decode()
    session.dropped_count = max(session.dropped_count, header.dropped or 0)
