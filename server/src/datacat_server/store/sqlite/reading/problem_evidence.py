"""What the page of a problem shows beside the problem itself, out of the tables; each with a bound of its own."""

import sqlite3
from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import msgspec

from datacat_server.model import Verdict
from datacat_server.problems.fingerprint import EXCEPTION
from datacat_server.store.problem_evidence import (
    EVENTS_BEFORE,
    MOST_COMPARED,
    MOST_LED_UP,
    MOST_PROBLEMS_COUNTED,
    MOST_SAYING,
    Herald,
    LeadUp,
    ProblemCensus,
    ProblemGroup,
    Saying,
    Sayings,
)
from datacat_server.store.problems import OnDay, ProblemFilter, ProblemKind, ProblemStatus
from datacat_server.store.sqlite.reading.problems import problem_conditions
from datacat_server.store.sqlite.rows.times import to_datetime

_EPOCH = date(1970, 1, 1)
_SAYINGS_SHOWN = 8
_HERALDS_SHOWN = 8
_LEAST_IN_COMMON = 2

_object = msgspec.json.Decoder(dict[str, Any])


def read_census(db: sqlite3.Connection, wanted: ProblemFilter) -> ProblemCensus:
    conditions, values = problem_conditions(wanted)
    rows = db.execute(
        "SELECT kind, status, count(*) FROM (SELECT p.kind, p.status FROM problems AS p"
        f" WHERE {' AND '.join(conditions) or 'TRUE'} LIMIT ?) GROUP BY 1, 2",
        (*values, MOST_PROBLEMS_COUNTED + 1),
    ).fetchall()
    return ProblemCensus(
        groups=[ProblemGroup(ProblemKind(kind), ProblemStatus(status), count) for kind, status, count in rows],
        is_capped=sum(row[2] for row in rows) > MOST_PROBLEMS_COUNTED,
    )


def read_days(db: sqlite3.Connection, problem_ids: Sequence[str], first: date) -> dict[str, list[OnDay]]:
    found: dict[str, list[OnDay]] = {problem_id: [] for problem_id in problem_ids}
    for problem_id, days in found.items():
        rows = db.execute(
            "SELECT day, count FROM problem_days WHERE problem = ? AND day >= ? ORDER BY day",
            (problem_id, (first - _EPOCH).days),
        )
        days += [OnDay(_EPOCH + timedelta(days=day), count) for day, count in rows]
    return found


def read_sayings(db: sqlite3.Connection, problem_id: str) -> Sayings:
    rows = db.execute(
        "SELECT message, last, session FROM problem_sessions WHERE problem = ? ORDER BY last DESC LIMIT ?",
        (problem_id, MOST_SAYING),
    ).fetchall()
    counts = Counter(message for message, *_ in rows if message)
    newest: dict[str, tuple[int, int]] = {}
    for message, last, session in rows:
        newest.setdefault(message, (last, session))
    found = []
    for message, sessions in counts.most_common(_SAYINGS_SHOWN):
        last, session = newest[message]
        (session_id,) = db.execute("SELECT session_id FROM sessions WHERE id = ?", (session,)).fetchone()
        found.append(Saying(message=message, sessions=sessions, last_seen=to_datetime(last), session_id=session_id))
    return Sayings(sessions=len(rows), different=len(counts), found=found)


def read_verdict(db: sqlite3.Connection, problem_id: str) -> Verdict | None:
    # The same session as that of the example.
    row = db.execute(
        "SELECT s.session, s.last, s.source FROM problem_sessions AS s JOIN problems AS p ON p.id = s.problem"
        " JOIN sessions ON sessions.id = s.session WHERE s.problem = ? AND p.kind <> ?"
        " ORDER BY s.last DESC, sessions.created DESC, sessions.session_id DESC LIMIT 1",
        (problem_id, EXCEPTION),
    ).fetchone()
    if row is None:
        return None
    # A crash by an exception has that one's event for its source; its verdict came when it was last seen.
    found = db.execute(
        "SELECT status, time, reason, data FROM verdicts WHERE session = ?1 AND time IN (?2, ?3)"
        " AND status IN ('crashed', 'hung') ORDER BY seq DESC LIMIT 1",
        row,
    ).fetchone()
    if found is None:
        return None
    status, time, reason, data = found
    return Verdict(status=status, timestamp=to_datetime(time), reason=reason, data=_object.decode(data))


def read_lead_up(db: sqlite3.Connection, problem_id: str) -> LeadUp:
    shown = db.execute(
        "SELECT session, source FROM problem_sessions WHERE problem = ? ORDER BY last DESC LIMIT ?",
        (problem_id, MOST_LED_UP),
    ).fetchall()
    counts = Counter(name for session, source in shown for name in _before(db, session, source))
    common = [(name, count) for name, count in counts.most_common(_HERALDS_SHOWN) if count >= _LEAST_IN_COMMON]
    others = [
        session
        for (session,) in db.execute(
            "SELECT id FROM sessions WHERE product = (SELECT product FROM problems WHERE id = ?1) AND NOT EXISTS"
            " (SELECT 1 FROM problem_sessions WHERE problem = ?1 AND session = sessions.id)"
            " ORDER BY created DESC LIMIT ?2",
            (problem_id, MOST_COMPARED if common else 0),
        )
    ]
    listed = msgspec.json.encode(others).decode()
    found = []
    for name, count in common:
        (count_without,) = db.execute(
            "SELECT count(*) FROM json_each(?) WHERE EXISTS"
            " (SELECT 1 FROM event_counts WHERE session = value AND name = ?)",
            (listed, name),
        ).fetchone()
        found.append(Herald(name=name, count=count, count_without=count_without))
    return LeadUp(sessions=len(shown), others=len(others), found=found)


def _before(db: sqlite3.Connection, session: int, time: int) -> set[str]:
    """The names of the events just before a time; what was detected at that time is no event before it."""
    rows = db.execute(
        "SELECT name FROM events WHERE session = ? AND time < ? ORDER BY time DESC LIMIT ?",
        (session, time, EVENTS_BEFORE),
    )
    return {name for (name,) in rows}
