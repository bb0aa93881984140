"""The store in one file: `Store` over the writer and the readers."""

import sqlite3
import tempfile
import threading
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import IO

from datacat_server.exchange.records import ProblemMark, Row, SessionHead
from datacat_server.filters import EVERY, Filter
from datacat_server.ingest.records import SessionBatch
from datacat_server.ingest.result import IngestResult
from datacat_server.model import PARTS, Session, SessionPage, StateChange
from datacat_server.store.alerts import AlertLog
from datacat_server.store.errors import StoreError
from datacat_server.store.exchange import ExportedSession, Outcome
from datacat_server.store.figures import Intake, StoreFigures
from datacat_server.store.keys import StoredKey
from datacat_server.store.metrics import Aggregate, MetricNames, MetricPage
from datacat_server.store.progress import Progress, untold
from datacat_server.store.protocol import UnknownSession
from datacat_server.store.sqlite import keys
from datacat_server.store.sqlite.alert_log import SqliteAlertLog
from datacat_server.store.sqlite.arrival_store import ArrivalCalls
from datacat_server.store.sqlite.file.ballast import Ballast
from datacat_server.store.sqlite.file.connection import FILE_NAME, Readers, connect
from datacat_server.store.sqlite.file.lock import DataLock
from datacat_server.store.sqlite.file.migrate import migrate
from datacat_server.store.sqlite.list_store import ListCalls
from datacat_server.store.sqlite.problem_store import ProblemCalls
from datacat_server.store.sqlite.reading import close_up, event_query, export, metric_query, read, views
from datacat_server.store.sqlite.reading.figures import SessionCounts, read_sizes
from datacat_server.store.sqlite.reading.listing import read_page
from datacat_server.store.sqlite.reading.session_json import session_pieces
from datacat_server.store.sqlite.rows.failures import explained
from datacat_server.store.sqlite.rows.times import to_microseconds
from datacat_server.store.sqlite.spread_store import SpreadCalls
from datacat_server.store.sqlite.writing import machines
from datacat_server.store.sqlite.writing.importing import import_session, mark_problem
from datacat_server.store.sqlite.writing.ledger import Ledger
from datacat_server.store.sqlite.writing.prune import any_abandoned, count_condemned
from datacat_server.store.sqlite.writing.sweeper import Sweeper
from datacat_server.store.sqlite.writing.writer import Writer
from datacat_server.store.views import (
    CloseUp,
    EventPage,
    EventQuery,
    MetricFilter,
    ReadingPage,
    Series,
    SeriesPage,
    StateView,
    StoredEvent,
    Timeline,
)

_PAGE = 200
_EXPIRED_AT_ONCE = 500
_SILENT_AT_ONCE = 500
_IN_MEMORY = 1024 * 1024
_LOOK_SECONDS = 0.2


class SqliteStore(ProblemCalls, ListCalls, ArrivalCalls, SpreadCalls):
    """Sessions in `datacat.sqlite3` of a data folder, which is made where there is none; private to its owner.

    Several processes may open the same folder. Raises StoreError when the folder or file cannot be used.

    `progress` is told of sessions, where data of an older version are brought up to date; by default the log is.
    """

    def __init__(self, data_path: Path, progress: Progress | None = None) -> None:
        try:
            data_path.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"data_path: {data_path} cannot be used as a folder: {error.strerror}") from error
        self._folder = data_path
        self._lock = DataLock(data_path)
        self._lock.share()
        path = data_path / FILE_NAME
        try:
            connection = connect(path)
            try:
                migrate(connection, progress)
            except Exception as error:
                connection.close()
                raise explained(error) from error
        except BaseException:
            self._lock.release()
            raise
        ballast = Ballast(data_path)
        self._writer = Writer(connection, ballast)
        self._sweeper = Sweeper(self._writer, ballast)
        self._path = path
        self._intake = Intake()
        self._session_counts = SessionCounts()
        self._readers = Readers(path)
        self.alerts: AlertLog = SqliteAlertLog(self._writer, self._readers)
        self._watcher = connect(path)
        self._watching = threading.Lock()

    def ingest(self, batches: Sequence[SessionBatch]) -> IngestResult:
        result = self._writer.run(lambda ledger: ledger.apply(batches))
        self._intake.count(batches, result)
        return result

    def session(self, session_id: str, parts: Collection[str] = PARTS) -> Session:
        with self._readers.snapshot() as db:
            return read.read_session(db, session_id, parts)

    def sessions(
        self, wanted: Filter = EVERY, *, sort: str = "-created", limit: int = 100, cursor: str | None = None
    ) -> SessionPage:
        with self._readers.snapshot() as db:
            return read_page(db, wanted, sort, limit, cursor)

    def session_json(self, session_id: str, parts: Collection[str] = PARTS) -> Iterator[bytes]:
        return session_pieces(self._readers, session_id, parts)

    def every_session(self, wanted: Filter = EVERY) -> Iterator[Iterator[bytes]]:
        cursor = None
        while True:
            page = self.sessions(wanted, limit=_PAGE, cursor=cursor)
            for summary in page.sessions:
                try:
                    yield self.session_json(summary.id)
                except UnknownSession:
                    continue  # deleted meanwhile
            cursor = page.cursor
            if cursor is None:
                return

    def count_sessions(self, wanted: Filter) -> int:
        with self._readers.snapshot() as db:
            return export.count_selected(db, wanted)

    def export(self, wanted: Filter) -> Iterator[ExportedSession]:
        cursor = None
        while True:
            with self._readers.snapshot() as db:
                found, cursor = export.read_selected(db, wanted, _PAGE, cursor)
            for session_id in found:
                lines = self.scratch()
                with self._readers.snapshot() as db:
                    exported = export.export_session(db, session_id, lines)
                if exported is None:
                    lines.close()  # deleted meanwhile
                else:
                    yield exported
            if cursor is None:
                return

    def import_session(self, head: SessionHead, rows: Iterable[Row], *, replace: bool) -> Outcome:
        return import_session(self._writer, head, rows, replace=replace, sweep=self._sweeper.start)

    def problem_marks(self, wanted: Filter) -> list[ProblemMark]:
        with self._readers.snapshot() as db:
            return export.read_marks(db, wanted)

    def mark_problem(self, mark: ProblemMark) -> bool:
        return self._writer.run(lambda ledger: mark_problem(ledger.db, mark))

    def scratch(self) -> IO[bytes]:
        return tempfile.SpooledTemporaryFile(_IN_MEMORY, dir=str(self._folder))

    def event_page(
        self,
        session_id: str,
        wanted: EventQuery | None = None,
        *,
        limit: int = 100,
        cursor: str | None = None,
        oldest_first: bool = False,
    ) -> EventPage:
        with self._readers.snapshot() as db:
            number = read.row_number(db, session_id)
            return event_query.read_event_page(db, number, wanted or EventQuery(), limit, cursor, oldest_first)

    def event(self, session_id: str, number: int) -> StoredEvent:
        with self._readers.snapshot() as db:
            return views.read_event(db, read.row_number(db, session_id), number)

    def timeline(
        self, session_id: str, start: datetime | None, end: datetime | None, buckets: int, *, outside: bool = False
    ) -> Timeline:
        with self._readers.snapshot() as db:
            return views.read_timeline(db, read.row_number(db, session_id), start, end, buckets, outside=outside)

    def state(self, session_id: str, at: datetime | None = None) -> StateView:
        with self._readers.snapshot() as db:
            return views.read_state(db, read.row_number(db, session_id), at)

    def states(self, session_id: str, *, at: datetime | None = None, limit: int = 2) -> list[StateChange]:
        with self._readers.snapshot() as db:
            return views.read_states(db, read.row_number(db, session_id), at, limit)

    def change_after(self, session_id: str, at: datetime) -> datetime | None:
        with self._readers.snapshot() as db:
            return views.read_change_after(db, read.row_number(db, session_id), at)

    def series(self, session_id: str, *, points: int = 240, limit: int = 100) -> list[Series]:
        with self._readers.snapshot() as db:
            return views.read_series(db, read.row_number(db, session_id), points, limit).series

    def series_page(
        self, session_id: str, wanted: MetricFilter, *, points: int = 240, limit: int = 100, cursor: str | None = None
    ) -> SeriesPage:
        with self._readers.snapshot() as db:
            return views.read_series_page(db, read.row_number(db, session_id), wanted, points, limit, cursor)

    def close_ups(
        self,
        session_id: str,
        wanted: MetricFilter,
        start: datetime,
        end: datetime,
        *,
        buckets: int = 500,
        limit: int = 100,
    ) -> list[CloseUp]:
        with self._readers.snapshot() as db:
            number = read.row_number(db, session_id)
            return close_up.read_close_ups(db, number, wanted, start, end, buckets, limit)

    def reading_page(
        self, session_id: str, wanted: MetricFilter, *, limit: int = 1000, cursor: str | None = None
    ) -> ReadingPage:
        with self._readers.snapshot() as db:
            return views.read_reading_page(db, read.row_number(db, session_id), wanted, limit, cursor)

    def metric_page(
        self,
        metric: MetricFilter,
        aggregate: Aggregate,
        sessions: Filter = EVERY,
        *,
        limit: int = 100,
        cursor: str | None = None,
    ) -> MetricPage:
        with self._readers.snapshot() as db:
            return metric_query.read_metric_page(db, metric, aggregate, sessions, limit, cursor)

    def metric_names(self, sessions: Filter = EVERY) -> MetricNames:
        with self._readers.snapshot() as db:
            return metric_query.read_metric_names(db, sessions)

    def delete(self, session_id: str) -> None:
        if self._writer.run(lambda ledger: ledger.delete(session_id), frees=True):
            self._sweeper.start()

    def silent(self, before: datetime, *, product: str | None = None) -> int:
        with self._readers.snapshot() as db:
            return read.count_silent_since(db, to_microseconds(before), product)

    def prune(self, before: datetime, *, product: str | None = None, progress: Progress = untold) -> int:
        """As the protocol says; `progress` is told of sessions."""
        instant = to_microseconds(before)
        removed, place = 0, (-1, -1)
        found = self.silent(before, product=product)
        while True:
            with self._readers.snapshot() as db:
                expired = read.read_silent_since(db, instant, product, place, _EXPIRED_AT_ONCE)
            if not expired:
                break
            some = [session_id for session_id, _ in expired]
            removed += self._writer.run(partial(Ledger.expire, session_ids=some, before=instant), frees=True)
            place = expired[-1][1]
            progress(removed, found)
        if product is None:
            self._writer.run(lambda ledger: ledger.forget_deleted(instant))
        self._sweeper.start()
        return removed

    def clear(self, progress: Progress = untold) -> None:
        """Return when what removed sessions have left is cleared away, and its space given back.

        `progress` is told of sessions; where all are cleared away and space is given back, that all are.
        """
        self._sweeper.start()
        total = self._uncleared()
        while not self._sweeper.wait(_LOOK_SECONDS):
            left = self._uncleared()
            total = max(total, left)
            progress(total - left, total)

    def _uncleared(self) -> int:
        with self._readers.snapshot() as db:
            return count_condemned(db)

    def clear_abandoned(self) -> None:
        with self._readers.snapshot() as db:
            abandoned = any_abandoned(db)
        if abandoned:
            self._sweeper.start()

    def suspend_silent(self, before: datetime, stop: threading.Event | None = None) -> int:
        instant = to_microseconds(before)
        with self._readers.snapshot() as db:
            returned = machines.returns_before(db, instant)
        if returned:
            self._writer.run(lambda ledger: ledger.settle_returns(instant))
        suspended, last = 0, 0
        while stop is None or not stop.is_set():
            with self._readers.snapshot() as db:
                silent = read.read_running_and_silent_since(db, instant, last, _SILENT_AT_ONCE)
            if not silent:
                return suspended
            some = [session_id for _, session_id in silent]
            looked_at, now_suspended = self._writer.run(partial(Ledger.suspend, session_ids=some, before=instant))
            suspended += now_suspended
            last = silent[looked_at - 1][0]
        return suspended

    def change_token(self) -> object:
        # On a connection that never writes, the version moves with every commit of any other, in any process.
        with self._watching:
            try:
                return self._watcher.execute("PRAGMA data_version").fetchone()[0]
            except sqlite3.Error as error:
                raise explained(error) from error

    def session_change_token(self, session_id: str) -> object:
        with self._readers.snapshot() as db:
            return read.read_session_token(db, session_id)

    def add_key(self, key: StoredKey) -> None:
        self._writer.run(lambda ledger: keys.insert_key(ledger.db, key))

    def api_keys(self) -> list[StoredKey]:
        with self._readers.snapshot() as db:
            return keys.read_keys(db)

    def revoke_key(self, name: str, at: datetime) -> StoredKey:
        return self._writer.run(lambda ledger: keys.revoke(ledger.db, name, at))

    def note_key_uses(self, uses: Mapping[str, datetime]) -> None:
        self._writer.run(lambda ledger: keys.note_uses(ledger.db, uses))

    def figures(self) -> StoreFigures:
        with self._readers.snapshot() as db:
            database, log, free = read_sizes(db, self._path)
            sessions = self._session_counts.read(db)
        return StoreFigures(
            records=self._intake.records(),
            batches=self._intake.batches(),
            commit_seconds=self._writer.commit_seconds.read(),
            jobs=self._writer.jobs.read(),
            failed_commits=self._writer.failed_commits,
            waiting=self._writer.waiting,
            database_bytes=database,
            log_bytes=log,
            free_bytes=free,
            sessions=sessions,
        )

    def close(self) -> None:
        """Finish what is being written, then close. The store is of no use afterwards."""
        self._sweeper.stop()
        self._writer.close()
        self._readers.close()
        with self._watching:
            self._watcher.close()
        self._lock.release()
