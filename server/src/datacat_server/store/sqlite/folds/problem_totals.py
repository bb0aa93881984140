"""What all sessions together count in a problem: kept up to date whenever one of them counts more, less or elsewhere.

The rows in `problem_sessions` are written first, by `tally`; first and last times are found there after something was
taken away. A problem in which no session counts is gone.
"""

import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from datacat_server.problems.versions import is_later
from datacat_server.store.sqlite.folds.releases import Counted, first_seen


@dataclass(slots=True)
class Share:
    """What one session counts in a problem, or what is new of it. Times in microseconds, days UTC since 1970."""

    problem: str
    session: Counted
    count: int
    sessions: int
    days: Mapping[int, int]
    first: int = 0
    last: int = 0


_ADD = "count = count + excluded.count, sessions = sessions + excluded.sessions"
_SPAN = "first = min(first, excluded.first), last = max(last, excluded.last)"
NEW_IN = "(SELECT version FROM problem_versions WHERE problem = problems.id ORDER BY first, version LIMIT 1)"
"""The version in which a row of `problems` was first seen, as SQL."""


def add(db: sqlite3.Connection, share: Share) -> bool:
    """Count what a session adds to a problem that is there already; whether that brings it back."""
    problem, session = share.problem, share.session
    db.execute(
        "INSERT INTO problem_versions (problem, version, count, sessions, first, last) VALUES (?, ?, ?, ?, ?, ?)"
        f" ON CONFLICT DO UPDATE SET {_ADD}, {_SPAN}",
        (problem, session.version, share.count, share.sessions, share.first, share.last),
    )
    machines = 0
    if session.machine is not None:
        machine = (problem, session.machine)
        if share.sessions:
            known = db.execute("SELECT 1 FROM problem_machines WHERE problem = ? AND machine = ?", machine).fetchone()
            machines = 0 if known else 1
        db.execute(
            "INSERT INTO problem_machines (problem, machine, hostname, count, sessions) VALUES (?, ?, ?, ?, ?)"
            f" ON CONFLICT DO UPDATE SET {_ADD}, hostname = coalesce(excluded.hostname, hostname)",
            (*machine, session.hostname, share.count, share.sessions),
        )
    _add_days(db, problem, share.days.items())
    db.execute(
        "UPDATE problems SET count = count + ?, sessions = sessions + ?, machines = machines + ?,"
        f" first = min(first, ?), last = max(last, ?), new_in = {NEW_IN} WHERE id = ?",
        (share.count, share.sessions, machines, share.first, share.last, problem),
    )
    return _come_back(db, share)


def take(db: sqlite3.Connection, share: Share) -> None:
    """Take away what a session no longer counts in a problem; its `first` and `last` are of no account."""
    problem, session = share.problem, share.session
    version = (problem, session.version)
    less = "SET count = count - ?, sessions = sessions - ?"
    amount = (share.count, share.sessions)
    db.execute(f"UPDATE problem_versions {less} WHERE problem = ? AND version = ?", (*amount, *version))
    if not db.execute(
        "DELETE FROM problem_versions WHERE problem = ? AND version = ? AND sessions = 0", version
    ).rowcount:
        of_rest = "FROM problem_sessions WHERE problem = ?1 AND version = ?2"
        db.execute(
            f"UPDATE problem_versions SET first = (SELECT min(first) {of_rest}), last = (SELECT max(last) {of_rest})"
            " WHERE problem = ?1 AND version = ?2",
            version,
        )
    machines = 0
    if session.machine is not None:
        machine = (problem, session.machine)
        db.execute(f"UPDATE problem_machines {less} WHERE problem = ? AND machine = ?", (*amount, *machine))
        machines = db.execute(
            "DELETE FROM problem_machines WHERE problem = ? AND machine = ? AND sessions = 0", machine
        ).rowcount
    _add_days(db, problem, [(day, -count) for day, count in share.days.items()])
    db.executemany(
        "DELETE FROM problem_days WHERE problem = ? AND day = ? AND count = 0", [(problem, day) for day in share.days]
    )
    db.execute(f"UPDATE problems {less}, machines = machines - ? WHERE id = ?", (*amount, machines, problem))
    if not db.execute("DELETE FROM problems WHERE id = ? AND sessions = 0", (problem,)).rowcount:
        of_versions = "FROM problem_versions WHERE problem = problems.id"
        db.execute(
            f"UPDATE problems SET first = (SELECT min(first) {of_versions}), last = (SELECT max(last) {of_versions}),"
            f" new_in = {NEW_IN} WHERE id = ?",
            (problem,),
        )


def _add_days(db: sqlite3.Connection, problem: str, days: Iterable[tuple[int, int]]) -> None:
    db.executemany(
        "INSERT INTO problem_days (problem, day, count) VALUES (?, ?, ?)"
        " ON CONFLICT DO UPDATE SET count = count + excluded.count",
        [(problem, day, count) for day, count in days],
    )


def _come_back(db: sqlite3.Connection, share: Share) -> bool:
    """What was resolved is not, if it is seen in a version after the one in which it was."""
    found = db.execute(
        "SELECT resolved, resolved_in FROM problems WHERE id = ? AND status = 'resolved'", (share.problem,)
    ).fetchone()
    if found is None:
        return False
    resolved, resolved_in = found
    version = share.session.version
    known = {resolved_in: resolved, version: share.last} | first_seen(db, share.session.product)
    if not is_later(version, resolved_in, known):
        return False
    db.execute(
        "UPDATE problems SET status = 'regressed', regressed = ?, regressed_in = ? WHERE id = ?",
        (share.last, version, share.problem),
    )
    return True
