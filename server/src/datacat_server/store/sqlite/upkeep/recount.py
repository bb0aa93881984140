"""Compares what is folded of sessions with the records that it is folded from, and folds anew what differs.

What several sessions count in together, problems and releases, is in `totals`. What stands in `metric_count` and
`refused_count` has no records that would say it, nor the least and greatest of a histogram's samples.
"""

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import fsum, isclose
from typing import Any

import msgspec

from datacat_server.store.sqlite.file.problem_backfill import backfill_session
from datacat_server.store.sqlite.folds import courses, timeline
from datacat_server.store.sqlite.folds.event_counts import MOST_PAIRS, backfill_event_counts
from datacat_server.store.sqlite.folds.past_values import digest, is_digested, read_past_values
from datacat_server.store.sqlite.folds.search_terms import VALUE, build_terms, rebuild_terms
from datacat_server.store.sqlite.folds.session_text import write_text
from datacat_server.store.sqlite.folds.tally import MOST_PROBLEMS

_AT_ONCE = 1_000
_SHADOWED = (
    "terms", "postings", "overflows", "past_values", "problems", "problem_sessions", "problem_versions",
    "problem_machines", "problem_days", "releases", "release_days",
)  # fmt: skip

_days = msgspec.json.Decoder(dict[int, int])


@dataclass(frozen=True, slots=True)
class Fold:
    """What is folded of a session. `is_sound` compares, on a connection with shadows; `build` folds it anew."""

    name: str
    is_sound: Callable[[sqlite3.Connection, int], bool]
    build: Callable[[sqlite3.Connection, int], None]


def sessions_after(db: sqlite3.Connection, number: int) -> list[tuple[int, str]]:
    """The next sessions after a number, in their order: number and id."""
    query = "SELECT id, session_id FROM sessions WHERE id > ? ORDER BY id LIMIT ?"
    return db.execute(query, (number, _AT_ONCE)).fetchall()


def count_sessions(db: sqlite3.Connection) -> int:
    """How many sessions there are."""
    found: int = db.execute("SELECT count(*) FROM sessions").fetchone()[0]
    return found


def add_shadows(db: sqlite3.Connection) -> None:
    """Have the connection write some folds to empty tables of its own, so that they can be made anew beside the file's.

    They stand before those of the same name in the file, which are `main.…` from then on.
    """
    marks = ", ".join("?" for _ in _SHADOWED)
    scripts = db.execute(
        f"SELECT type, sql FROM main.sqlite_schema WHERE tbl_name IN ({marks}) AND sql IS NOT NULL"
        " AND (type = 'table' OR sql LIKE 'CREATE UNIQUE INDEX %') ORDER BY type = 'index'",
        _SHADOWED,
    ).fetchall()
    for kind, script in scripts:
        before, after = ("TABLE ", "TEMP TABLE ") if kind == "table" else ("INDEX ", "INDEX temp.")
        db.execute(script.replace(before, after, 1))


def unsound(db: sqlite3.Connection, session: int) -> Iterator[Fold]:
    """The folds of a session that are not what its records say, each looked at in one snapshot."""
    for fold in FOLDS:
        db.execute("BEGIN")
        try:
            known = db.execute("SELECT 1 FROM sessions WHERE id = ?", (session,)).fetchone() is not None
            if known and not fold.is_sound(db, session):
                yield fold
        finally:
            db.execute("ROLLBACK")  # what was made anew in shadows goes with it


def _counts_sound(db: sqlite3.Connection, session: int) -> bool:
    return _stored_counts(db, session) == _counts(db, session)


def _stored_counts(db: sqlite3.Connection, session: int) -> tuple[int, int]:
    query = "SELECT event_count, exception_count FROM sessions WHERE id = ?"
    found: tuple[int, int] = db.execute(query, (session,)).fetchone()
    return found


def _counts(db: sqlite3.Connection, session: int) -> tuple[int, int]:
    query = "SELECT count(*), count(*) FILTER (WHERE is_exception = 1) FROM events WHERE session = ?"
    found: tuple[int, int] = db.execute(query, (session,)).fetchone()
    return found


def _count(db: sqlite3.Connection, session: int) -> None:
    query = "UPDATE sessions SET event_count = ?, exception_count = ? WHERE id = ?"
    db.execute(query, (*_counts(db, session), session))


def _event_counts_sound(db: sqlite3.Connection, session: int) -> bool:
    """Of more names and levels than are counted, it is only those that came first, and how many there are."""
    query = "SELECT name, level, count(*) FROM events WHERE session = ? GROUP BY name, level"
    true = {(name, level): count for name, level, count in db.execute(query, (session,))}
    stored = db.execute("SELECT name, level, count FROM event_counts WHERE session = ?", (session,)).fetchall()
    return len(stored) == min(len(true), MOST_PAIRS) and all(true.get(row[:2]) == row[2] for row in stored)


def _count_events(db: sqlite3.Connection, session: int) -> None:
    db.execute("DELETE FROM event_counts WHERE session = ?", (session,))
    backfill_event_counts(db, session)


def _build_timeline(db: sqlite3.Connection, session: int) -> None:
    timeline.clear_timeline(db, session)
    timeline.build_timeline_if_long(db, session)


def _series_sound(db: sqlite3.Connection, session: int) -> bool:
    return all(
        _matches(stored, true)
        for number, kind, *stored in _series(db, session)
        if (true := _statistics(db, number, kind)) is not None
    )


def _series(db: sqlite3.Connection, session: int) -> list[tuple[Any, ...]]:
    query = "SELECT id, type, points, count, sum, min, max, last, last_time FROM series WHERE session = ?"
    return db.execute(query, (session,)).fetchall()


def _statistics(db: sqlite3.Connection, series: int, kind: str) -> list[float] | None:
    """Number of points, count, and what else the points of a series say; None where there is no point."""
    points = db.execute("SELECT value, time, count FROM points WHERE series = ? ORDER BY seq", (series,)).fetchall()
    if not points:
        return None
    if kind == "histogram":  # a point is the mean of so many samples
        return [len(points), sum(count or 0 for _, _, count in points)]
    values = [value for value, _, _ in points]
    last_time = max(time for _, time, _ in points)
    return [len(points), len(points), fsum(values), min(values), max(values), values[-1], last_time]


def _matches(stored: list[float], true: list[float]) -> bool:
    """Sums are added up in another way; near zero they are held against what was added up."""
    size = max(abs(value) for value in stored[3:5])
    pairs = zip(stored, true, strict=False)
    return all(
        isclose(one, other, rel_tol=1e-9, abs_tol=1e-9 * size * stored[1]) if place == 2 else one == other
        for place, (one, other) in enumerate(pairs)
    )


def _fold_series(db: sqlite3.Connection, session: int) -> None:
    for number, kind, *stored in _series(db, session):
        true = _statistics(db, number, kind)
        if true is not None and not _matches(stored, true):
            columns = ("points", "count", "sum", "min", "max", "last", "last_time")
            changes = ", ".join(f"{column} = ?" for column in columns[: len(true)])
            db.execute(f"UPDATE series SET {changes} WHERE id = ?", (*true, number))


def _courses_sound(db: sqlite3.Connection, session: int) -> bool:
    return all(courses.is_sound(db, number) for number, *_ in _series(db, session))


def _build_courses(db: sqlite3.Connection, session: int) -> None:
    courses.clear_courses(db, session)
    courses.build_courses(db, session)


def _text_sound(db: sqlite3.Connection, session: int) -> bool:
    query = (
        "SELECT (SELECT text FROM session_texts WHERE session = sessions.id)"
        " IS searchable(session_id, product, version, machine_id, hostname, reason) FROM sessions WHERE id = ?"
    )
    return bool(db.execute(query, (session,)).fetchone()[0])


def _terms_sound(db: sqlite3.Connection, session: int) -> bool:
    """A path that has digests though it need not have them answers the same."""
    build_terms(db, session)
    (stored, passed_over), (true, crowded) = _terms(db, session, "main"), _terms(db, session, "temp")
    if passed_over.keys() >= {("\\", 0), ("\\", 1)}:
        return True
    slots = (stored.keys() | true.keys()) - passed_over.keys()
    return (
        all(stored.get(slot) == true.get(slot) for slot in slots)
        and all(crowded[slot] == passed_over[slot] for slot in crowded.keys() & passed_over.keys())
        and all(
            read_past_values(db, session, path)
            == read_past_values(db, session, path, "temp")
            | {digest(text) for text, _ in true.get((path, kind), ()) if is_digested(text)}
            for path, kind in passed_over
            if kind == VALUE
        )
    )


def _terms(db: sqlite3.Connection, session: int, where: str) -> tuple[dict[Any, set[Any]], dict[Any, str | None]]:
    """By path and kind: the texts, each with whether it holds now; and of what overflowed the present text."""
    texts: dict[Any, set[Any]] = {}
    query = f"SELECT path, kind, text, now FROM {where}.postings JOIN {where}.terms ON id = term WHERE session = ?"
    for path, kind, text, now in db.execute(query, (session,)):
        texts.setdefault((path, kind), set()).add((text, now))
    query = f"SELECT path, kind, now FROM {where}.overflows WHERE session = ?"
    return texts, {(path, kind): now for path, kind, now in db.execute(query, (session,))}


def _problems_sound(db: sqlite3.Connection, session: int) -> bool:
    backfill_session(db, session)
    stored, true = _problems(db, session, "main"), _problems(db, session, "temp")
    # Of more than are grouped, it is those that came first.
    return stored == true or len(stored) == len(true) == MOST_PROBLEMS


def _problems(db: sqlite3.Connection, session: int, where: str) -> dict[str, tuple[Any, ...]]:
    rows = db.execute(
        f"SELECT problem, version, count, first, last, days FROM {where}.problem_sessions WHERE session = ?"
        f" AND problem IN (SELECT id FROM {where}.problems)",
        (session,),
    )
    return {problem: (*counts, _days.decode(days)) for problem, *counts, days in rows}


def _count_problems(db: sqlite3.Connection, session: int) -> None:
    """The totals are wrong after this, and counted anew for it."""
    db.execute("DELETE FROM problem_sessions WHERE session = ?", (session,))
    backfill_session(db, session)


FOLDS = (
    Fold("counts of events", _counts_sound, _count),
    Fold("counts of events by name", _event_counts_sound, _count_events),
    Fold("timeline", timeline.is_sound, _build_timeline),
    Fold("sums of metrics", _series_sound, _fold_series),
    Fold("courses of metrics", _courses_sound, _build_courses),
    Fold("text that is searched", _text_sound, write_text),
    Fold("index of states", _terms_sound, rebuild_terms),
    Fold("problems of the session", _problems_sound, _count_problems),
)
