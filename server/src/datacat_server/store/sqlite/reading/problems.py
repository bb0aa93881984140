"""Problems out of the tables, and what people make of them."""

import sqlite3
import time
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import msgspec

from datacat_server.problems.fingerprint import title
from datacat_server.problems.versions import newest
from datacat_server.store.problems import (
    SORTS,
    InSession,
    InVersion,
    OnDay,
    OnMachine,
    Problem,
    ProblemFilter,
    ProblemFrame,
    ProblemKind,
    ProblemPage,
    ProblemSessionPage,
    ProblemStatus,
    ProblemSummary,
    SessionProblem,
    UnknownProblem,
)
from datacat_server.store.sqlite.folds.releases import first_seen
from datacat_server.store.sqlite.reading.listing import read_summary
from datacat_server.store.sqlite.reading.problem_example import read_example
from datacat_server.store.sqlite.rows.cursor import read_cursor, write_cursor
from datacat_server.store.sqlite.rows.times import to_datetime, to_microseconds, to_optional_datetime

_MOST_VERSIONS = 100
_MOST_MACHINES = 100
_MOST_DAYS = 366
_LATEST = 10

_COLUMNS = {"last_seen": "last", "first_seen": "first", "count": "count", "sessions": "sessions"}
_SUMMARY = (
    "p.id, p.product, p.kind, p.type, p.culprit, p.status, p.count, p.sessions, p.machines, p.first, p.last, p.new_in,"
    " p.resolved, p.resolved_in, p.regressed, p.regressed_in,"
    " (SELECT count(*) FROM problem_versions AS v WHERE v.problem = p.id),"
    " (SELECT v.version FROM problem_versions AS v WHERE v.problem = p.id ORDER BY v.last DESC, v.version LIMIT 1),"
    " (SELECT message FROM problem_sessions AS s JOIN sessions ON sessions.id = s.session WHERE s.problem = p.id"
    "  ORDER BY s.last DESC, created DESC, session_id DESC LIMIT 1)"
)
_BY_LAST = "-last_seen"
_EPOCH = date(1970, 1, 1)

_frames = msgspec.json.Decoder(list[tuple[str, str]])


def read_problems(
    db: sqlite3.Connection, wanted: ProblemFilter, sort: str, limit: int, cursor: str | None
) -> ProblemPage:
    """A page of problems. Raises ValueError for a sort or cursor that is none."""
    name, descending = sort.removeprefix("-"), sort.startswith("-")
    if name not in SORTS:
        raise ValueError(f"sort: expected one of {', '.join(SORTS)}, with a - in front for the largest first")
    key = _COLUMNS[name]
    conditions, values = problem_conditions(wanted)
    if cursor is not None:
        conditions.append(f"(p.{key}, p.id) {'<' if descending else '>'} (?, ?)")
        values += read_cursor(cursor, sort, int, str)
    order = "DESC" if descending else "ASC"
    # Which ones they are is settled first: what is looked up for a row is looked up for those that are shown.
    rows = db.execute(
        f"WITH shown AS MATERIALIZED (SELECT p.id FROM problems AS p WHERE {' AND '.join(conditions) or 'TRUE'}"
        f" ORDER BY p.{key} {order}, p.id {order} LIMIT ?)"
        f" SELECT p.{key}, {_SUMMARY} FROM shown JOIN problems AS p ON p.id = shown.id"
        f" ORDER BY p.{key} {order}, p.id {order}",
        (*values, limit + 1),
    ).fetchall()
    more = len(rows) > limit
    rows = rows[:limit]
    last = write_cursor(sort, rows[-1][0], rows[-1][1]) if more and rows else None
    return ProblemPage([ProblemSummary(**fields) for fields in _summaries(db, [row[1:] for row in rows])], last)


def read_problem(db: sqlite3.Connection, problem_id: str) -> Problem:
    """One problem. Raises UnknownProblem."""
    row = db.execute(f"SELECT p.frames, {_SUMMARY} FROM problems AS p WHERE p.id = ?", (problem_id,)).fetchone()
    if row is None:
        raise UnknownProblem(problem_id)
    [summary] = _summaries(db, [row[1:]])
    return Problem(
        **summary,
        frames=[ProblemFrame(file, function) for file, function in _frames.decode(row[0])],
        in_versions=[
            InVersion(version=version, count=count, sessions=sessions, of_sessions=of_sessions, **_span(first, last))
            for version, count, sessions, of_sessions, first, last in db.execute(
                "SELECT v.version, v.count, v.sessions, r.sessions, v.first, v.last FROM problem_versions AS v"
                " JOIN releases AS r ON r.product = ? AND r.version = v.version WHERE v.problem = ?"
                " ORDER BY v.last DESC, v.version LIMIT ?",
                (summary["product"], problem_id, _MOST_VERSIONS),
            )
        ],
        on_machines=[
            OnMachine(machine=machine, hostname=hostname, count=count, sessions=sessions)
            for machine, hostname, count, sessions in db.execute(
                "SELECT machine, hostname, count, sessions FROM problem_machines WHERE problem = ?"
                " ORDER BY count DESC, machine LIMIT ?",
                (problem_id, _MOST_MACHINES),
            )
        ],
        on_days=[
            OnDay(_EPOCH + timedelta(days=day), count)
            for day, count in db.execute(
                "SELECT day, count FROM problem_days WHERE problem = ? ORDER BY day DESC LIMIT ?",
                (problem_id, _MOST_DAYS),
            )
        ][::-1],
        latest_sessions=read_problem_sessions(db, problem_id, _LATEST, None).sessions,
        example=read_example(db, problem_id),
    )


def read_problem_sessions(
    db: sqlite3.Connection,
    problem_id: str,
    limit: int,
    cursor: str | None,
    *,
    version: str | None = None,
    machine: str | None = None,
) -> ProblemSessionPage:
    """Some of a problem's sessions (of a version, of a machine), the last seen first.

    Raises UnknownProblem, and ValueError for a cursor.
    """
    if db.execute("SELECT 1 FROM problems WHERE id = ?", (problem_id,)).fetchone() is None:
        raise UnknownProblem(problem_id)
    narrowed, values = "", list[Any]()
    if version is not None:
        narrowed += " AND problem_sessions.version = ?"
        values.append(version)
    if machine is not None:
        narrowed += " AND coalesce(machine_id, hostname) = ?"
        values.append(machine)
    if cursor is not None:
        narrowed += " AND (last, created, session_id) < (?, ?, ?)"
        values += read_cursor(cursor, _BY_LAST, int, int, str)
    # In an order that is the same on every server: those last seen at once by what the sessions themselves say.
    rows = db.execute(
        "SELECT session, count, first, last, created, session_id FROM problem_sessions JOIN sessions ON id = session"
        f" WHERE problem = ?{narrowed} ORDER BY last DESC, created DESC, session_id DESC LIMIT ?",
        (problem_id, *values, limit + 1),
    ).fetchall()
    more = len(rows) > limit
    rows = rows[:limit]
    return ProblemSessionPage(
        sessions=[
            InSession(session=read_summary(db, session), count=count, **_span(first, last))
            for session, count, first, last, *_ in rows
        ],
        cursor=write_cursor(_BY_LAST, *rows[-1][3:]) if more and rows else None,
    )


def read_session_problems(db: sqlite3.Connection, session: int) -> list[SessionProblem]:
    """The problems of a session, the newest first."""
    rows = db.execute(
        f"SELECT s.count, s.first, s.last, s.message, {_SUMMARY} FROM problem_sessions AS s"
        " JOIN problems AS p ON p.id = s.problem WHERE s.session = ? ORDER BY s.last DESC, s.problem",
        (session,),
    ).fetchall()
    return [
        SessionProblem(problem=ProblemSummary(**fields), count=count, message=message, **_span(first, last))
        for (count, first, last, message, *_), fields in zip(
            rows, _summaries(db, [row[4:] for row in rows]), strict=True
        )
    ]


def mark(db: sqlite3.Connection, problem_id: str, status: ProblemStatus, version: str | None = None) -> None:
    """Set what people have made of a problem; `version`: that it is resolved in. Raises UnknownProblem."""
    found = db.execute("SELECT product FROM problems WHERE id = ?", (problem_id,)).fetchone()
    if found is None:
        raise UnknownProblem(problem_id)
    resolved = None
    if status is ProblemStatus.RESOLVED:
        resolved = time.time_ns() // 1000
        version = version or newest(first_seen(db, found[0]))
    db.execute(
        "UPDATE problems SET status = ?, resolved = ?, resolved_in = ?, regressed = NULL, regressed_in = NULL"
        " WHERE id = ?",
        (status, resolved, version, problem_id),
    )


def problem_conditions(wanted: ProblemFilter) -> tuple[list[str], list[Any]]:
    """What holds of rows `p` of `problems` that a filter picks, as SQL, and its values."""
    conditions: list[str] = []
    values: list[Any] = []
    for condition, value in (
        ("p.product = ?", wanted.product),
        ("EXISTS (SELECT 1 FROM problem_versions AS v WHERE v.problem = p.id AND v.version = ?)", wanted.version),
        ("p.new_in = ?", wanted.new_in),
        ("p.kind = ?", wanted.kind),
        ("p.status = ?", wanted.status),
        ("p.last >= ?", wanted.start and to_microseconds(wanted.start)),
        ("p.first < ?", wanted.end and to_microseconds(wanted.end)),
        ("instr(p.words, ?) > 0", wanted.q and wanted.q.casefold()),
    ):
        if value is not None:
            conditions.append(condition)
            values.append(value)
    if wanted.unsettled:
        conditions.append("p.status IN ('open', 'regressed')")
    return conditions, values


def _summaries(db: sqlite3.Connection, rows: Sequence[Sequence[Any]]) -> list[dict[str, Any]]:
    """The fields of summaries from rows of `_SUMMARY`."""
    newest_of = {product: newest(first_seen(db, product)) for product in {row[1] for row in rows}}
    return [_summary(row, newest_of[row[1]]) for row in rows]


def _summary(row: Sequence[Any], newest_version: str | None) -> dict[str, Any]:
    problem_id, product, kind, type_, culprit, status, count, sessions, machines, first, last, new_in, *marks = row
    resolved, resolved_in, regressed, regressed_in, versions, last_in, message = marks
    return {
        "id": problem_id,
        "product": product,
        "kind": ProblemKind(kind),
        "type": type_,
        "title": title(kind, type_, culprit),
        "culprit": culprit,
        "message": message,
        "status": ProblemStatus(status),
        "count": count,
        "sessions": sessions,
        "machines": machines,
        "versions": versions,
        **_span(first, last),
        "new_in": new_in,
        "is_new": new_in == newest_version,
        "last_in": last_in,
        "resolved_at": to_optional_datetime(resolved),
        "resolved_in": resolved_in,
        "regressed_at": to_optional_datetime(regressed),
        "regressed_in": regressed_in,
    }


def _span(first: int, last: int) -> dict[str, Any]:
    return {"first_seen": to_datetime(first), "last_seen": to_datetime(last)}
