"""Exported sessions into the tables, by the way that new ones take: each record is applied, and folded, again.

What cannot be had so is set from the export: how far writers are settled, what was refused, the points of histograms
(one a batch, whose samples are gone), counts, and when something was last received. All of a session is one
transaction: it is there whole or not at all, and what else comes in waits for so long.
"""

import sqlite3
from collections.abc import Iterable

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
    event_of,
    first_header_of,
    header_of,
    reading_of,
    samples_of,
    state_of,
    status_of,
)
from datacat_server.ingest.lifecycle import Standing
from datacat_server.ingest.records import Record, SessionBatch, SessionLine, StatusRecord
from datacat_server.ingest.result import IngestResult
from datacat_server.store.exchange import Outcome
from datacat_server.store.sqlite.folds.metrics import Point, SeriesKey, key_of, open_series
from datacat_server.store.sqlite.writing.application import Application
from datacat_server.store.sqlite.writing.ledger import REFUSED_BY_ENGINE, Ledger
from datacat_server.store.sqlite.writing.live import LiveSession
from datacat_server.store.sqlite.writing.pending import Pending

_AT_ONCE = 5_000


def import_session(ledger: Ledger, head: SessionHead, rows: Iterable[Row], *, replace: bool) -> Outcome:
    """Apply a whole session, unless there is one with its id, which may be replaced.

    Raises ValueError, and what `rows` raises, for what cannot be applied; the caller undoes all of it.
    """
    there = ledger.knows(head.session)
    if there and not replace:
        return Outcome.SKIPPED
    ledger.make_room(head.session)
    try:
        replayed = _Replayed(ledger, head)
        for row in rows:
            replayed.take(row)
        replayed.finish()
    except REFUSED_BY_ENGINE as error:
        raise ValueError(f"record: the store does not take it: {error}") from error
    # It rests now; what is remembered of it would be in the way of sessions that run.
    ledger.drop(head.session)
    return Outcome.REPLACED if there else Outcome.IMPORTED


class _Replayed:
    """One session on its way back. Records are applied some thousands at a time."""

    def __init__(self, ledger: Ledger, head: SessionHead) -> None:
        self._ledger = ledger
        self._head = head
        self._header: SessionLine | None = header_of(head)
        self._created = False
        self._writers: dict[str, int] = {}
        self._records: list[Record] = []
        self._series: SeriesRow | None = None
        self._histogram: SeriesKey | None = None
        self._points: list[PointRow] = []
        self._refusals: list[RefusalRow] = []

    def take(self, row: Row) -> None:
        match row:
            case WriterRow():
                self._writers[row.writer] = row.next
            case StateRow() if not self._created:
                self._apply(SessionBatch(self._head.session, header=first_header_of(self._head, row), replayed=True))
                self._created = True
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
                self._refusals.append(row)

    def finish(self) -> None:
        """Apply what is left, and set what replaying does not give."""
        self._flush()
        batch = SessionBatch(self._head.session, replayed=True)
        session = self._ledger.live(batch)
        self._set(session)
        Pending(
            writers=[(session.row, writer, following) for writer, following in self._writers.items()],
            refusals=[
                (session.row, microseconds("time", row.time), row.writer, row.ordinal, row.error, row.details)
                for row in self._refusals
            ],
        ).write(self._ledger.db)
        self._run(Application(self._ledger.db, session, batch))

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
        session = self._ledger.live(SessionBatch(self._head.session, replayed=True))
        self._histogram = key_of(record, vital=row.vital)
        if self._histogram in session.series:
            raise ValueError(f"name: the session has the series {row.name!r} twice")
        fold = open_series(self._ledger.db, session.row, self._histogram)
        fold.add(record)
        fold.batch_count, fold.batch_sum = 0, 0.0
        session.series[self._histogram] = fold

    def _flush(self, presumed: int | None = None) -> None:
        batch = SessionBatch(self._head.session, self._header, records=self._records, replayed=True, presumed=presumed)
        self._apply(batch)
        self._header, self._records, self._points = None, [], []

    def _apply(self, batch: SessionBatch) -> None:
        session = self._ledger.live(batch)
        application = Application(self._ledger.db, session, batch, (VITALS_WRITER,))
        if self._histogram is not None:
            fold = session.series[self._histogram]
            points: list[Point] = []
            for row in self._points:
                fold.points += 1
                points.append((fold.row, microseconds("time", row.time), fold.points, row.value, row.count, None))
            application.add_points(fold, points)
        self._run(application)

    def _run(self, application: Application) -> None:
        result = IngestResult()
        application.run(result)
        if result.refused:
            raise ValueError(result.refused[0].details)

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
