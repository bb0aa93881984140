"""Exported sessions into the tables, by the way that new ones take: each record is applied, and folded, again.

What cannot be had so is set from the export: how far writers are settled, what was refused, the points of histograms
(one a batch, whose samples are gone), counts, and when something was last received.

A session goes in by short turns, each a transaction of its own, between which the writer does what else comes in. Until
the last one nobody sees it: it has a number, which stands in `removals`, and no row in `sessions`. The last turn gives
it that row, counts it in releases and problems, and takes its number out of `removals`; of an import that ends before,
by a fault or a kill, the sweeper clears away what is there. A short session, as most are, goes in whole by its first
turn.
"""

import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import partial

from datacat_server.exchange.records import (
    EventRow,
    PointRow,
    ProblemMark,
    RefusalRow,
    Row,
    SeriesRow,
    SessionHead,
    StateRow,
    VerdictRow,
    WriterRow,
    microseconds,
)
from datacat_server.exchange.replay import (
    VITALS_WRITER,
    check_refusal,
    event_of,
    first_header_of,
    header_of,
    position_of,
    reading_of,
    samples_of,
    state_of,
    status_of,
)
from datacat_server.ingest.lifecycle import Standing
from datacat_server.ingest.records import Record, SessionBatch, StatusRecord
from datacat_server.ingest.result import IngestResult
from datacat_server.store.errors import StoreError
from datacat_server.store.exchange import Outcome
from datacat_server.store.sqlite.folds.metrics import Point, SeriesKey, key_of, open_series
from datacat_server.store.sqlite.writing.application import Application, add_state
from datacat_server.store.sqlite.writing.headers import bring_up_to_date, first_state, new_session
from datacat_server.store.sqlite.writing.ledger import REFUSED_BY_ENGINE, Ledger
from datacat_server.store.sqlite.writing.live import LiveSession, insert, reserve_number
from datacat_server.store.sqlite.writing.pending import Pending
from datacat_server.store.sqlite.writing.prune import STEP_SECONDS
from datacat_server.store.sqlite.writing.writer import Writer

_AT_ONCE = 500
_LEASE = 600_000_000
"""Microseconds after its last turn at which an import is taken to be dead."""


def import_session(
    writer: Writer, head: SessionHead, rows: Iterable[Row], *, replace: bool, sweep: Callable[[], None]
) -> Outcome:
    """Apply a whole session, unless there is one with its id, which may be replaced.

    `sweep` is called where that leaves something to clear away. Raises ValueError, and what `rows` raises, for what
    cannot be applied; nothing of it is to be seen then.
    """
    replayed = _Replayed(head, iter(rows))
    outcome = writer.run(partial(replayed.begin, replace=replace))
    if outcome is None:
        outcome = _go_on(writer, replayed, replace=replace, sweep=sweep)
    elif outcome is Outcome.REPLACED:
        sweep()
    return outcome


def _go_on(writer: Writer, replayed: "_Replayed", *, replace: bool, sweep: Callable[[], None]) -> Outcome:
    try:
        while writer.run(replayed.turn):
            pass
        return writer.run(partial(replayed.publish, replace=replace))
    except BaseException:
        with suppress(StoreError):  # else it is given up when its time is over
            writer.run(replayed.give_up, frees=True)
        raise
    finally:
        sweep()


class _Replayed:
    """One session on its way back. Its calls are jobs of the writer. Records are applied some hundreds at a time."""

    def __init__(self, head: SessionHead, rows: Iterator[Row]) -> None:
        self._head = head
        self._rows = rows
        self._db: sqlite3.Connection
        self._live: LiveSession | None = None
        self._number = 0
        self._writers: dict[str, int] = {}
        self._records: list[Record] = []
        self._series: SeriesRow | None = None
        self._histogram: SeriesKey | None = None
        self._points: list[PointRow] = []
        self._refusals: list[RefusalRow] = []

    def begin(self, ledger: Ledger, *, replace: bool) -> Outcome | None:
        """The first turn, and the only one of a short session, which is whole by it; None where there is more."""
        if not replace and ledger.knows(self._head.session):
            return Outcome.SKIPPED
        self._db = ledger.db
        self._number = reserve_number(self._db)
        if self._apply_some():
            self._db.execute("INSERT INTO removals (session, until) VALUES (?, ?)", (self._number, _now() + _LEASE))
            return None
        return self._finish(ledger)

    def turn(self, ledger: Ledger) -> bool:
        """Apply rows for a moment; whether there may be more."""
        self._db = ledger.db
        self._hold("UPDATE removals SET until = ?1 WHERE session = ?2 AND until IS NOT NULL")
        return self._apply_some()

    def publish(self, ledger: Ledger, *, replace: bool) -> Outcome:
        """Have the session be seen, whole, instead of one that may be replaced."""
        self._db = ledger.db
        if not replace and ledger.knows(self._head.session):  # it has come in meanwhile
            self.give_up(ledger)
            return Outcome.SKIPPED
        self._hold("DELETE FROM removals WHERE session = ?2 AND until IS NOT NULL")
        return self._finish(ledger)

    def give_up(self, ledger: Ledger) -> None:
        """Leave what is there to the sweeper."""
        ledger.db.execute("UPDATE removals SET until = NULL WHERE session = ?", (self._number,))

    def _hold(self, statement: str) -> None:
        """Change the place in `removals`. Raises StoreError where somebody has begun to clear away what is there."""
        if not self._db.execute(statement, (_now() + _LEASE, self._number)).rowcount:
            raise StoreError("the import stood still for too long and was given up; import it again")

    def _apply_some(self) -> bool:
        deadline = time.monotonic() + STEP_SECONDS
        more = False
        try:
            for row in self._rows:
                self._take(row)
                if time.monotonic() >= deadline:
                    more = True
                    break
            self._flush()
        except REFUSED_BY_ENGINE as error:
            raise ValueError(f"record: the store does not take it: {error}") from error
        return more

    def _finish(self, ledger: Ledger) -> Outcome:
        """Give the session its row, instead of one with its id; set what replaying does not give."""
        session = self._session
        there = ledger.knows(self._head.session)
        ledger.make_room(self._head.session)
        self._set(session)
        session.published = True
        session.tally.release()
        insert(self._db, self._head.session, session)
        writers = [(session.row, writer, following) for writer, following in self._writers.items()]
        Pending(writers=writers).write(self._db)
        self._apply(SessionBatch(self._head.session, replayed=True))
        return Outcome.REPLACED if there else Outcome.IMPORTED

    def _take(self, row: Row) -> None:
        match row:
            case WriterRow():
                self._writers[row.writer] = position_of(row)
            case StateRow() if self._live is None:
                self._create(row)
            case StateRow():
                self._add(state_of(row))
            case SeriesRow():
                self._open(row)
            case PointRow() if self._histogram is not None:
                self._points.append(row)
                if len(self._points) >= _AT_ONCE:
                    self._flush()
            case PointRow():
                assert self._series is not None  # the order of the rows is checked when they are read
                self._add(reading_of(self._series, row))
            case EventRow():
                self._add(event_of(row))
            case VerdictRow():
                self._judge(status_of(row))
            case RefusalRow():
                check_refusal(row)
                self._refusals.append(row)
                if len(self._refusals) >= _AT_ONCE:
                    self._flush()

    def _create(self, first: StateRow) -> None:
        """Begin with the session as it was told of first; its newest header comes with the records."""
        header = first_header_of(self._head, first)
        self._live = session = new_session(header)
        session.row, session.published = self._number, False
        pending = Pending()
        add_state(session, header.time, first_state(header), pending)
        pending.write(self._db)
        bring_up_to_date(session, header_of(self._head))

    def _add(self, record: Record) -> None:
        self._records.append(record)
        if len(self._records) >= _AT_ONCE:
            self._flush()

    def _judge(self, record: StatusRecord) -> None:
        """A verdict is weighed by what came before it, and nothing else: it ends what is applied at once."""
        self._records.append(record)
        # Of a server's own verdict it only counts that it is one.
        presumed = record.time if (record.data or {}).get("presumed") is True else None
        self._flush(presumed)

    def _open(self, row: SeriesRow) -> None:
        """Series are opened in their order; one that is no histogram by its first reading."""
        if self._histogram is not None or row.type == "histogram":
            self._flush()
        self._series, self._histogram = row, None
        if row.type != "histogram":
            return
        record = samples_of(row)
        session = self._session
        self._histogram = key_of(record, vital=row.vital)
        if self._histogram in session.series:
            raise ValueError(f"name: the session has the series {row.name!r} twice")
        fold = open_series(self._db, session.row, self._histogram)
        fold.add(record)
        fold.batch_count, fold.batch_sum = 0, 0.0
        session.series[self._histogram] = fold

    def _flush(self, presumed: int | None = None) -> None:
        if self._live is None:
            return  # so far there were only writers
        self._apply(SessionBatch(self._head.session, records=self._records, replayed=True, presumed=presumed))
        Pending(
            refusals=[
                (self._number, microseconds("time", row.time), row.writer, row.ordinal, row.error, row.details)
                for row in self._refusals
            ],
        ).write(self._db)
        self._records, self._points, self._refusals = [], [], []

    def _apply(self, batch: SessionBatch) -> None:
        session = self._session
        application = Application(self._db, session, batch, (VITALS_WRITER,))
        if self._histogram is not None:
            fold = session.series[self._histogram]
            points: list[Point] = []
            for row in self._points:
                fold.points += 1
                points.append((fold.row, microseconds("time", row.time), fold.points, row.value, row.count, None))
            application.add_points(fold, points)
        result = IngestResult()
        application.run(result)
        if result.refused:
            raise ValueError(result.refused[0].details)

    @property
    def _session(self) -> LiveSession:
        assert self._live is not None  # the order of the rows is checked when they are read
        return self._live

    def _set(self, session: LiveSession) -> None:
        head = self._head
        session.created = microseconds("created", head.created)
        session.updated = microseconds("updated", head.updated)
        session.received = microseconds("received", head.received)
        session.last_heartbeat = microseconds("last_heartbeat", head.last_heartbeat) if head.last_heartbeat else None
        session.standing = Standing(
            ended=microseconds("ended", head.ended) if head.ended else None,
            suspended=head.suspended,
            crashed=head.crashed,
            hung=head.hung,
            ever_hung=head.ever_hung,
            reason=head.reason,
            presumed=microseconds("presumed", head.presumed) if head.presumed else None,
        )
        session.version, session.boot_id = head.version, head.boot_id
        session.event_count, session.metric_count = head.event_count, head.metric_count
        session.exception_count, session.refused_count = head.exception_count, head.refused_count
        session.dropped_count, session.lost_count = head.dropped_count, head.lost_count
        session.writers = dict(self._writers)


def _now() -> int:
    return time.time_ns() // 1000


def mark_problem(db: sqlite3.Connection, mark: ProblemMark) -> bool:
    """Mark a problem that is there, unless it was resolved later here; whether that changed anything.

    That nobody wants to hear of it is taken over where nobody has said anything of it here.
    """
    if mark.status == "ignored":
        ignored = "UPDATE problems SET status = 'ignored' WHERE id = ? AND status = 'open'"
        return db.execute(ignored, (mark.problem,)).rowcount > 0
    assert mark.resolved is not None  # checked when it was read
    values = (
        mark.status,
        microseconds("resolved", mark.resolved),
        mark.resolved_in,
        microseconds("regressed", mark.regressed) if mark.regressed else None,
        mark.regressed_in,
    )
    changed = db.execute(
        "UPDATE problems SET status = ?1, resolved = ?2, resolved_in = ?3, regressed = ?4, regressed_in = ?5"
        " WHERE id = ?6 AND (resolved IS NULL OR resolved < ?2 OR (resolved = ?2 AND status <> ?1))",
        (*values, mark.problem),
    )
    return changed.rowcount > 0
