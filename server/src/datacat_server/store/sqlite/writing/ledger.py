"""The tables as the writer sees them: sessions made, brought up to date, removed. Inside the writer's transaction."""

import logging
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from datacat_server.ingest.lifecycle import fall_silent
from datacat_server.ingest.presumption import presumed_crash
from datacat_server.ingest.records import SessionBatch, SessionLine
from datacat_server.ingest.result import IngestResult, Positions
from datacat_server.store.protocol import UnknownSession
from datacat_server.store.sqlite.writing.alert_rows import insert_alert
from datacat_server.store.sqlite.writing.application import Application, add_state, refused
from datacat_server.store.sqlite.writing.headers import bring_up_to_date, first_state, new_session
from datacat_server.store.sqlite.writing.live import LiveSession, insert, load, load_row, reserve_number, save
from datacat_server.store.sqlite.writing.machines import forget_return, left_behind, note_return, returns_before
from datacat_server.store.sqlite.writing.pending import Pending
from datacat_server.store.sqlite.writing.prune import STEP_SECONDS, clear_some, condemn, shrink_some
from datacat_server.store.sqlite.writing.remembered import Remembered

log = logging.getLogger("datacat.store")

REFUSED_BY_ENGINE = (sqlite3.DataError, sqlite3.IntegrityError, sqlite3.InterfaceError, OverflowError, UnicodeError)
"""What is raised for a value that cannot be stored, unlike a disk that is full or a file that is locked."""

_HOUR = 3_600_000_000


class Ledger:
    """The tables as the writer sees them, with what it remembers of sessions so as not to read them again."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._sessions = Remembered()
        self._touched: set[str] = set()
        self.sparing = False
        """Whether to remove little at a time, as the disk is full."""

    @property
    def db(self) -> sqlite3.Connection:
        """The connection, for what has nothing to do with sessions."""
        return self._db

    def forget(self) -> None:
        """Drop what is remembered: the tables are not what they were thought to be."""
        self._sessions.clear()

    def begin(self) -> None:
        """What comes now may have to be undone by itself."""
        self._touched.clear()

    def undo(self) -> None:
        """The tables have been set back to where they were at `begin`."""
        self._sessions.drop_all(self._touched)

    def apply(self, batches: Sequence[SessionBatch]) -> IngestResult:
        """Apply batches in order. Raises UnknownSession for one without a header whose session does not exist."""
        result = IngestResult()
        for batch in batches:
            if batch.header is not None and self._was_deleted(batch.id):
                _settle_unseen(batch, result)
                continue
            try:
                with self._savepoint(batch.id):
                    self._apply(batch, result)
            except REFUSED_BY_ENGINE:
                self._apply_one_by_one(batch, result)
        return result

    def delete(self, session_id: str) -> bool:
        """Remove a session for good; whether some of what belongs to it is left to clear. Raises UnknownSession."""
        found = self._db.execute("SELECT id FROM sessions WHERE session_id = ?", (session_id,)).fetchone()
        if found is None:
            raise UnknownSession(session_id)
        self._condemn(session_id, found[0])
        self._db.execute("INSERT OR REPLACE INTO deleted VALUES (?, ?)", (session_id, _now()))
        return self.clear_some()

    def expire(self, session_ids: Sequence[str], before: int) -> int:
        """Remove those of the sessions from which nothing came since an instant (microseconds); how many."""
        expired = 0
        for session_id in session_ids:
            query = "SELECT id FROM sessions WHERE session_id = ? AND received < ?"
            found = self._db.execute(query, (session_id, before)).fetchone()
            if found is not None:
                self._condemn(session_id, found[0])
                expired += 1
        return expired

    def clear_some(self) -> bool:
        """One small step of clearing away what removed sessions have left; whether there is more."""
        return clear_some(self._db, sparing=self.sparing)

    def shrink_some(self) -> bool:
        """One small step of giving free space back to the file system; whether there is more."""
        return shrink_some(self._db)

    def forget_deleted(self, before: int) -> None:
        """Forget the deleted sessions of which nothing came any more since an instant (microseconds)."""
        self._db.execute("DELETE FROM deleted WHERE time < ?", (before,))

    def knows(self, session_id: str) -> bool:
        """Whether there is a session with this id."""
        return self._db.execute("SELECT 1 FROM sessions WHERE session_id = ?", (session_id,)).fetchone() is not None

    def make_room(self, session_id: str) -> None:
        """Remove a session, if there is one, for another one with its id; that it was deleted once is forgotten."""
        found = self._db.execute("SELECT id FROM sessions WHERE session_id = ?", (session_id,)).fetchone()
        if found is not None:
            self._condemn(session_id, found[0])
        self._db.execute("DELETE FROM deleted WHERE session_id = ?", (session_id,))

    def live(self, batch: SessionBatch) -> LiveSession:
        """The session of a batch, made or brought up to date by its header. Raises UnknownSession."""
        self._touched.add(batch.id)
        session = self._sessions.get(batch.id) or load(self._db, batch.id)
        if session is None:
            if batch.header is None:
                raise UnknownSession(batch.id)
            session = self._create(batch.header)
            if batch.heard:
                self._look_for_missing(batch.id, session)
        elif batch.header is not None:
            bring_up_to_date(session, batch.header)
        self._sessions.keep(batch.id, session)
        return session

    def drop(self, session_id: str) -> None:
        """Remember nothing of a session any more."""
        self._sessions.drop(session_id)

    def suspend(self, session_ids: Sequence[str], before: int) -> tuple[int, int]:
        """One small step: suspend those of the sessions that run and were silent since an instant (microseconds).

        How many, the first ones, were looked at, at least one; and how many of these are suspended now.
        """
        now = _now()
        deadline = time.monotonic() + STEP_SECONDS
        suspended = 0
        for looked_at, session_id in enumerate(session_ids):
            if looked_at and time.monotonic() >= deadline:
                return looked_at, suspended
            self._touched.add(session_id)
            session = self._sessions.get(session_id) or load_row(self._db, session_id)
            if session is None or session.received >= before or not session.standing.active:
                continue
            fall_silent(session.standing, round((now - session.received) / 1_000_000))
            session.updated = max(session.updated, now)
            save(self._db, session)
            suspended += 1
        return len(session_ids), suspended

    def settle_returns(self, before: int) -> int:
        """Settle the returns of machines up to an instant (microseconds); of how many sessions nothing was heard since.

        Those have crashed, as far as can be presumed, and now somebody may be told.
        """
        missing = 0
        for found in returns_before(self._db, before):
            forget_return(self._db, found.session)
            self._touched.add(found.session_id)
            session = self._sessions.get(found.session_id) or load(self._db, found.session_id)
            if session is None or session.received > found.since:
                continue
            if session.standing.presumed is None and session.standing.suspended:
                self._presume(found.session_id, session, found.successor, found.began, rebooted=False)
            if session.standing.presumed is not None:
                insert_alert(self._db, session.row, "crash", session.standing)
                missing += 1
        return missing

    def _look_for_missing(self, newcomer_id: str, newcomer: LiveSession) -> None:
        """A new session has begun: what has its machine come back without?

        A session with a daemon has somebody on its machine who will say what became of it, unless the machine was
        started again: the daemon has the time that any session has to be heard. Of others nobody will.
        """
        now = _now()
        began = min(newcomer.created, now)
        for session_id, rebooted in left_behind(self._db, newcomer):
            # Read anew and not remembered: this batch may yet be undone.
            self._sessions.drop(session_id)
            if (session := load(self._db, session_id)) is not None:
                note_return(self._db, session.row, now, newcomer_id, began)
                if rebooted or not session.writers:
                    self._presume(session_id, session, newcomer_id, began, rebooted=rebooted)

    def _presume(self, session_id: str, session: LiveSession, successor: str, began: int, *, rebooted: bool) -> None:
        last_heard = max(session.created, min(session.updated, session.received))
        verdict = presumed_crash(last_heard, successor, began, rebooted=rebooted)
        session.updated = max(session.updated, _now())
        batch = SessionBatch(session_id, records=[verdict], presumed=began)
        Application(self._db, session, batch).run(IngestResult())

    def _condemn(self, session_id: str, row: int) -> None:
        self._sessions.drop(session_id)
        condemn(self._db, row)

    def _was_deleted(self, session_id: str) -> bool:
        if session_id in self._sessions:
            return False
        found = self._db.execute("SELECT time FROM deleted WHERE session_id = ?", (session_id,)).fetchone()
        if found is None:
            return False
        if (now := _now()) - found[0] > _HOUR:
            self._db.execute("UPDATE deleted SET time = ? WHERE session_id = ?", (now, session_id))
        return True

    def _apply(self, batch: SessionBatch, result: IngestResult) -> None:
        Application(self._db, self.live(batch), batch).run(result)
        self._sessions.weigh(batch.id)

    def _apply_one_by_one(self, batch: SessionBatch, result: IngestResult) -> None:
        """Apply a batch in which the engine does not take some record: that one is refused, as any wrong one is."""
        frame = replace(batch, records=[])
        application = Application(self._db, self.live(frame), frame)
        application.run(result)
        for record in batch.records:
            if record.writer is not None and record.writer not in application.settled:
                continue
            alone = SessionBatch(batch.id, records=[record])
            try:
                with self._savepoint(batch.id):
                    Application(self._db, self.live(alone), alone, application.settled).run(result)
            except REFUSED_BY_ENGINE as error:
                log.warning("session %s: a record was not taken: %s", batch.id, error)
                refusal = refused(batch.id, record, f"record: the store does not take it: {error}")
                alone = SessionBatch(batch.id, refused=[refusal])
                Application(self._db, self.live(alone), alone).run(result)
        self._sessions.weigh(batch.id)

    @contextmanager
    def _savepoint(self, session_id: str) -> Iterator[None]:
        """What is done inside is undone, in what is remembered too, when the engine does not take it."""
        self._db.execute("SAVEPOINT batch")
        try:
            yield
        except REFUSED_BY_ENGINE:
            self._db.execute("ROLLBACK TO batch")
            self._db.execute("RELEASE batch")
            self._sessions.drop(session_id)
            raise
        self._db.execute("RELEASE batch")

    def _create(self, header: SessionLine) -> LiveSession:
        session = new_session(header)
        session.row = reserve_number(self._db)
        insert(self._db, header.id, session)
        pending = Pending()
        add_state(session, header.time, first_state(header), pending)
        pending.write(self._db)
        return session


def _settle_unseen(batch: SessionBatch, result: IngestResult) -> None:
    """Answer a batch that nobody wants any more as if it had been applied, so that its daemon comes to an end."""
    positions = result.sessions.setdefault(batch.id, Positions(writers={}))
    positions.writers.update((line.writer, line.next) for line in batch.writers)


def _now() -> int:
    return time.time_ns() // 1000
