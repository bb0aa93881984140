"""Alerts as rows: what of a batch somebody may want to be told."""

import sqlite3
import time
from collections.abc import Sequence

from datacat_server.ingest.lifecycle import Standing
from datacat_server.problems.fingerprint import CRASH, EXCEPTION, problem_id, title
from datacat_server.store.alerts import WITHDRAWN
from datacat_server.store.sqlite.writing.pending import ALERT, Row

ALERTING = {"crashed": "crash", "hung": "hang"}
"""What a verdict is called among alerts."""


def alert_row(session: int, kind: str, at: int, why: str, problem: str | None = None) -> Row:
    """A row of `alerts`, without its number; `at` in microseconds."""
    return session, time.time_ns() // 1000, at, kind, why, problem


def insert_alert(db: sqlite3.Connection, session: int, kind: str, standing: Standing) -> None:
    """An alert of what a session has become."""
    db.execute(ALERT, alert_row(session, kind, standing.ended or 0, standing.reason or ""))


def withdrawn_alerts(db: sqlite3.Connection, session: int, at: int, why: str) -> list[Row]:
    """That a session has not crashed, where it was told that it had."""
    last = "SELECT kind FROM alerts WHERE session = ? AND kind IN ('crash', ?) ORDER BY id DESC LIMIT 1"
    told = db.execute(last, (session, WITHDRAWN)).fetchone()
    return [alert_row(session, WITHDRAWN, at, why)] if told == ("crash",) else []


def alert_of_problems(db: sqlite3.Connection, session: int, problems: Sequence[str]) -> None:
    """Alerts of problems that are new with a session, or have come back with it.

    An exception that nothing caught comes before the verdict that makes a crash of it. There is no alert of it where
    that crash is known, and that of a new crash takes the place of the exception's.
    """
    for problem in problems:
        product, kind, cause, type_, culprit, last, back_in = db.execute(
            "SELECT product, kind, cause, type, culprit, last, CASE status WHEN 'regressed' THEN regressed_in END"
            " FROM problems WHERE id = ?",
            (problem,),
        ).fetchone()
        if kind == EXCEPTION and back_in is None and _is_known(db, problem_id(product, CRASH, cause)):
            continue
        which = "a new problem" if back_in is None else f"a problem that was resolved is back in version {back_in}"
        words = f"{which}: {title(kind, type_, culprit)}"
        if kind == CRASH and _takes_place(db, session, problem_id(product, EXCEPTION, cause), (last, words, problem)):
            continue
        db.execute(ALERT, alert_row(session, "problem", last, words, problem))


def drop_alerts_of_nothing(db: sqlite3.Connection, session: int, problems: Sequence[str]) -> None:
    """A session no longer has some problems: those that nobody has any more were none."""
    db.executemany(
        "DELETE FROM alerts WHERE session = ? AND problem = ?",
        [(session, problem) for problem in problems if not _is_known(db, problem)],
    )


def _takes_place(db: sqlite3.Connection, session: int, left: str, alert: tuple[int, str, str]) -> bool:
    """Make the alert of a problem that a session no longer has into another: its time, words and problem."""
    changed = db.execute(
        "UPDATE alerts SET time = ?, why = ?, problem = ? WHERE session = ? AND kind = 'problem' AND problem = ?"
        " AND NOT EXISTS (SELECT 1 FROM problem_sessions AS s WHERE s.session = alerts.session"
        " AND s.problem = alerts.problem)",
        (*alert, session, left),
    )
    return changed.rowcount > 0


def _is_known(db: sqlite3.Connection, problem: str) -> bool:
    return db.execute("SELECT 1 FROM problems WHERE id = ?", (problem,)).fetchone() is not None
