"""How busy sessions were, in a few parts of equal length."""

import sqlite3

from datacat_server.store.lists import Activity
from datacat_server.store.sqlite.folds.timeline import shift_of

_ERROR = 3  # the level
_PART = "min(max((at - :begin) * :parts / :length, 0), :parts - 1)"
_OF_INDEX = "SELECT time AS at, 1 AS events, level >= :error AS errors FROM events WHERE session = :session"
_OF_TIMELINE = (
    "SELECT bucket << :shift AS at, debug + info + warning + error + critical AS events, error + critical AS errors"
    " FROM timeline_buckets WHERE session = :session"
)


def read_activity(db: sqlite3.Connection, session_id: str, parts: int) -> Activity | None:
    """The activity of one session; None where there is no such session."""
    found = db.execute(
        "SELECT id, created, coalesce(ended, updated) FROM sessions WHERE session_id = ?", (session_id,)
    ).fetchone()
    if found is None:
        return None
    session, begin, end = found
    activity = Activity([0] * parts, [0] * parts)
    shift = shift_of(db, session)
    rows = db.execute(
        f"SELECT {_PART}, sum(events), sum(errors) FROM ({_OF_INDEX if shift is None else _OF_TIMELINE}) GROUP BY 1",
        {
            "session": session,
            "shift": shift,
            "begin": begin,
            "length": max(1, end - begin),
            "parts": parts,
            "error": _ERROR,
        },
    )
    for part, events, errors in rows:
        activity.events[part] = events
        activity.errors[part] = errors
    return activity
