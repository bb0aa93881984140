"""The rows that a batch adds, gathered so that each table is written once a batch."""

import sqlite3
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from datacat_server.store.sqlite.metrics import Point

Row = tuple[Any, ...]

ALERT = "INSERT INTO alerts (session, noticed, time, kind, why, problem) VALUES (?, ?, ?, ?, ?, ?)"

_EVENTS = (
    "INSERT OR FAIL INTO events"
    " (session, time, level, is_exception, name, category, grp, labels, message, data, exception)"
    " VALUES "
)
_EVENT_MARKS = "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
# SQLite is called once for so many rows: for each call the interpreter lock is given away and waited for again, and
# those who decode the next batch hold it. OR FAIL: whatever fails is undone with its batch, and a statement that may
# have to undo itself alone writes each page that it touches a second time.
_AT_ONCE = (100, 10, 1)
_EVENTS_AT_ONCE = [(count, _EVENTS + ", ".join([_EVENT_MARKS] * count)) for count in _AT_ONCE]
_WRITER = (
    "INSERT INTO writers (session, writer, next) VALUES (?, ?, ?)"
    " ON CONFLICT (session, writer) DO UPDATE SET next = excluded.next"
)
_REFUSAL = "INSERT INTO refusals (session, time, writer, ordinal, error, details) VALUES (?, ?, ?, ?, ?, ?)"


@dataclass(slots=True)
class Pending:
    """Rows by table, each in the order of its columns above or in the migration."""

    events: list[Row] = field(default_factory=list)
    points: list[Point] = field(default_factory=list)
    state_changes: list[Row] = field(default_factory=list)
    snapshots: list[Row] = field(default_factory=list)
    verdicts: list[Row] = field(default_factory=list)
    writers: list[Row] = field(default_factory=list)
    refusals: list[Row] = field(default_factory=list)
    alerts: list[Row] = field(default_factory=list)

    def write(self, db: sqlite3.Connection) -> None:
        _insert_events(db, self.events)
        for statement, rows in (
            ("INSERT INTO points VALUES (?, ?, ?, ?, ?, ?)", self.points),
            ("INSERT INTO state_changes VALUES (?, ?, ?, ?)", self.state_changes),
            ("INSERT INTO snapshots VALUES (?, ?, ?)", self.snapshots),
            ("INSERT INTO verdicts VALUES (?, ?, ?, ?, ?, ?)", self.verdicts),
            (_WRITER, self.writers),
            (_REFUSAL, self.refusals),
            (ALERT, self.alerts),
        ):
            if rows:
                db.executemany(statement, rows)


def _insert_events(db: sqlite3.Connection, rows: list[Row]) -> None:
    begin = 0
    for count, statement in _EVENTS_AT_ONCE:
        while len(rows) - begin >= count:
            db.execute(statement, list(chain.from_iterable(rows[begin : begin + count])))
            begin += count
