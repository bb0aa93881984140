"""What becomes of a session that was there before problems and releases were: it is counted in them."""

import sqlite3
from collections.abc import Iterator

import msgspec

from datacat_server.ingest.lifecycle import Standing, judge
from datacat_server.ingest.presumption import WITHDRAWN, confirm, confirms, withdraw
from datacat_server.ingest.records import EventRecord, StatusRecord
from datacat_server.problems.frames import roots_of
from datacat_server.store.sqlite.folds.releases import read_counted
from datacat_server.store.sqlite.folds.tally import Tally, write_tally
from datacat_server.store.sqlite.folds.uncaught import exception_of

_object = msgspec.json.Decoder(dict[str, object])


def backfill_session(db: sqlite3.Connection, session: int) -> None:
    """Count a session in its release and its problems, in which it is not counted yet, as if it had just come in.

    Exceptions are taken in the order of their times, verdicts in that in which they came.
    """
    (facts,) = db.execute("SELECT facts FROM sessions WHERE id = ?", (session,)).fetchone()
    tally = Tally(roots=roots_of(_object.decode(facts)))
    standing = Standing()
    for record in _records(db, session):
        match record:
            case EventRecord():
                tally.exception(record)
            case StatusRecord() if _holds(standing, record):
                tally.verdict(record)
    write_tally(db, session, tally, read_counted(db, session))


def _holds(standing: Standing, verdict: StatusRecord) -> bool:
    """Whether the verdict was taken up when it came, a presumption and what became of it too."""
    if verdict.status == WITHDRAWN:
        withdraw(standing)
        return False
    if standing.presumed is not None and confirms(verdict):
        confirm(standing, verdict)
        return True
    changed = judge(standing, verdict)
    if changed and (verdict.data or {}).get("presumed") is True:
        standing.presumed = verdict.time
    return changed


def _records(db: sqlite3.Connection, session: int) -> Iterator[EventRecord | StatusRecord]:
    """A session's exceptions by time, and its verdicts as they came, an exception before a verdict of the same time."""
    rows = db.execute("SELECT time, 0, id FROM events WHERE session = ? AND is_exception = 1", (session,)).fetchall()
    rows += db.execute(
        "SELECT max(time) OVER (ORDER BY seq), 1, seq FROM verdicts WHERE session = ?", (session,)
    ).fetchall()
    for _, is_verdict, number in sorted(rows):
        if is_verdict:
            time, status, reason, data = db.execute(
                "SELECT time, status, reason, data FROM verdicts WHERE session = ? AND seq = ?", (session, number)
            ).fetchone()
            yield StatusRecord(time=time, status=status, reason=reason, data=_object.decode(data))
        else:
            yield exception_of(
                *db.execute("SELECT time, name, exception FROM events WHERE id = ?", (number,)).fetchone()
            )
