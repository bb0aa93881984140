"""How many events of each name and level a session has, counted as they come in."""

import sqlite3
from collections import Counter

from datacat_server.store.sqlite.rows.events import EventColumns

MOST_PAIRS = 1_000
"""Names and levels of a session that are counted; of further ones only the session's number of events tells."""

Pair = tuple[str, int]


def count_events(db: sqlite3.Connection, session: int, known: set[Pair] | None, events: EventColumns) -> set[Pair]:
    """Count the events that a batch adds; what is counted of the session by now. `known`: what was, None for unread."""
    if known is None:
        known = set(db.execute("SELECT name, level FROM event_counts WHERE session = ?", (session,)))
    counts = Counter(zip(events.name, events.level, strict=True))
    if not counts.keys() <= known:
        for pair in counts.keys() - known:
            if len(known) < MOST_PAIRS:
                known.add(pair)
            else:
                del counts[pair]
    db.executemany(
        "INSERT INTO event_counts (session, name, level, count) VALUES (?, ?, ?, ?)"
        " ON CONFLICT DO UPDATE SET count = count + excluded.count",
        [(session, *pair, count) for pair, count in counts.items()],
    )
    return known


def backfill_event_counts(db: sqlite3.Connection, session: int) -> None:
    """Count the events of a session of which none is counted."""
    db.execute(
        "INSERT INTO event_counts (session, name, level, count) SELECT session, name, level, count FROM ("
        "SELECT session, name, level, count(*) AS count,"
        " row_number() OVER (ORDER BY min(id)) AS place"
        " FROM events WHERE session = ? GROUP BY name, level) WHERE place <= ?",
        (session, MOST_PAIRS),
    )
