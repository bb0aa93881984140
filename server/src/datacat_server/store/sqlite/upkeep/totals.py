"""Compares what sessions come to together, in problems and releases, with what each of them counts; counts it anew."""

import sqlite3
from dataclasses import dataclass

from datacat_server.store.sqlite.folds.problem_totals import NEW_IN
from datacat_server.store.sqlite.folds.releases import DAY


@dataclass(frozen=True, slots=True)
class Total:
    """A table, the columns compared, what they are by the rows of each session, and a column that only comes along."""

    name: str
    table: str
    columns: str
    counted: str
    beside: str = ""
    beside_value: str = ""


_MACHINE = "coalesce(machine_id, hostname)"
_OF_SESSIONS = "count(*), sum(crashed), sum(ever_hung), sum(ended IS NOT NULL AND NOT crashed)"
_OF_PROBLEM = (
    "SELECT problem, sum(count), count(*), (SELECT count(*) FROM problem_machines AS m WHERE m.problem = s.problem),"
    " min(first), max(last) FROM problem_sessions AS s GROUP BY problem"
)

TABLES = (
    Total(
        "problems by version",
        "problem_versions",
        "problem, version, count, sessions, first, last",
        "SELECT problem, version, sum(count), count(*), min(first), max(last) {} FROM problem_sessions GROUP BY 1, 2",
    ),
    Total(
        "problems by machine",
        "problem_machines",
        "problem, machine, count, sessions",
        f"SELECT problem, {_MACHINE}, sum(count), count(*) {{}} FROM problem_sessions JOIN sessions ON id = session"
        f" WHERE {_MACHINE} IS NOT NULL GROUP BY 1, 2",
        "hostname",
        "max(hostname)",
    ),
    Total(
        "problems by day",
        "problem_days",
        "problem, day, count",
        "SELECT problem, CAST(key AS INTEGER), sum(value) {} FROM problem_sessions, json_each(days) GROUP BY 1, 2",
    ),
    Total(
        "releases",
        "releases",
        "product, version, sessions, crashed, hung, ended, first, last",
        f"SELECT product, version, {_OF_SESSIONS}, min(created), max(created) {{}} FROM sessions GROUP BY 1, 2",
    ),
    Total(
        "releases by day",
        "release_days",
        "product, version, day, sessions, crashed, hung, ended",
        f"SELECT product, version, created / {DAY}, {_OF_SESSIONS} {{}} FROM sessions GROUP BY 1, 2, 3",
    ),
)
PROBLEMS = "problems"


def unsound_totals(db: sqlite3.Connection) -> list[str]:
    """The names of the totals that are not what the sessions count; in one snapshot."""
    db.execute("BEGIN")
    try:
        found = [total.name for total in TABLES if _differs(db, total.counted.format(""), total.columns, total.table)]
        of_problems = "id, count, sessions, machines, first, last"
        new_in = f"SELECT 1 FROM problems WHERE new_in IS NOT {NEW_IN}"
        if _differs(db, _OF_PROBLEM, of_problems, "problems") or db.execute(new_in).fetchone():
            found.append(PROBLEMS)
        return found
    finally:
        db.execute("ROLLBACK")


def count_totals(db: sqlite3.Connection) -> None:
    """Count all totals anew; marks of problems stay. A problem in which no session counts is gone."""
    for total in TABLES:
        beside, value = (f", {total.beside}", f", {total.beside_value}") if total.beside else ("", "")
        db.execute(f"DELETE FROM {total.table}")
        db.execute(f"INSERT INTO {total.table} ({total.columns}{beside}) {total.counted.format(value)}")
    db.execute("DELETE FROM problems WHERE id NOT IN (SELECT problem FROM problem_sessions)")
    db.execute(
        "UPDATE problems SET"
        " count = (SELECT sum(count) FROM problem_sessions WHERE problem = problems.id),"
        " sessions = (SELECT count(*) FROM problem_sessions WHERE problem = problems.id),"
        " machines = (SELECT count(*) FROM problem_machines WHERE problem = problems.id),"
        " first = (SELECT min(first) FROM problem_sessions WHERE problem = problems.id),"
        " last = (SELECT max(last) FROM problem_sessions WHERE problem = problems.id),"
        f" new_in = {NEW_IN}"
    )


def _differs(db: sqlite3.Connection, counted: str, columns: str, table: str) -> bool:
    stored = f"SELECT {columns} FROM {table}"
    return any(
        db.execute(f"SELECT * FROM ({one}) EXCEPT SELECT * FROM ({other}) LIMIT 1").fetchone()
        for one, other in ((counted, stored), (stored, counted))
    )
