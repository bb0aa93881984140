"""The rows that a batch adds, gathered so that each table is written once a batch."""

import sqlite3
from dataclasses import dataclass, field
from typing import Any

from datacat_server.store.sqlite.folds.metrics import Point, insert_points
from datacat_server.store.sqlite.rows.events import EventColumns, insert_events

Row = tuple[Any, ...]

ALERT = "INSERT INTO alerts (session, noticed, time, kind, why, problem) VALUES (?, ?, ?, ?, ?, ?)"

_WRITER = (
    "INSERT INTO writers (session, writer, next) VALUES (?, ?, ?)"
    " ON CONFLICT (session, writer) DO UPDATE SET next = excluded.next"
)
_REFUSAL = "INSERT INTO refusals (session, time, writer, ordinal, error, details) VALUES (?, ?, ?, ?, ?, ?)"


@dataclass(slots=True)
class Pending:
    """Rows by table, each in the order of its columns above or in the migration."""

    events: EventColumns | None = None
    points: list[Point] = field(default_factory=list)
    state_changes: list[Row] = field(default_factory=list)
    snapshots: list[Row] = field(default_factory=list)
    verdicts: list[Row] = field(default_factory=list)
    writers: list[Row] = field(default_factory=list)
    refusals: list[Row] = field(default_factory=list)
    alerts: list[Row] = field(default_factory=list)

    def write(self, db: sqlite3.Connection) -> None:
        if self.events is not None:
            insert_events(db, self.events)
        insert_points(db, self.points)
        for statement, rows in (
            ("INSERT INTO state_changes VALUES (?, ?, ?, ?)", self.state_changes),
            ("INSERT INTO snapshots VALUES (?, ?, ?)", self.snapshots),
            ("INSERT INTO verdicts VALUES (?, ?, ?, ?, ?, ?)", self.verdicts),
            (_WRITER, self.writers),
            (_REFUSAL, self.refusals),
            (ALERT, self.alerts),
        ):
            if rows:
                db.executemany(statement, rows)
