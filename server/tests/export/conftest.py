"""What the tests of export and import share: stores with all kinds of records in them, and what they hold, compared."""

import json
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from datacat_server.export.check import Check
from datacat_server.export.intake import Intake, Intaken
from datacat_server.export.stream import export_stream, lines_of
from datacat_server.filters import EVERY, Filter
from datacat_server.ingest.decode import decode_batches
from datacat_server.store.sqlite import SqliteStore
from datacat_server.store.sqlite.file.connection import FILE_NAME

START = 1_795_298_400_000_000  # microseconds; 2026-11-21T22:00:00Z
SECOND = 1_000_000

# Rows of these belong to one server: who may reach it, what it has told whom, what was deleted there.
OF_THE_SERVER = {"keys", "webhooks", "alerts", "returns", "deleted", "removals", "sqlite_sequence"}


def ingest(
    store: SqliteStore, session: str, records: Iterable[dict[str, Any]], *, writer: str = "4711-9f-0", **header: Any
) -> None:
    """Have a store take records in as one batch, with ordinals and rising times where they have none."""
    records = list(records)
    first = next((row[1] for row in positions(store, session) if row[0] == writer), 0)
    lines = [
        {"kind": "session", "id": session, "product": "Game", "version": "1.0", "time": START} | header,
        {"kind": "writer", "writer": writer, "first": first, "next": first + len(records)},
    ]
    for ordinal, record in enumerate(records, first):
        lines.append({"writer": writer, "ordinal": ordinal, "time": START + (1 + ordinal) * SECOND} | record)
    batches, stray = decode_batches(b"".join(json.dumps(line).encode() + b"\n" for line in lines))
    assert not stray
    store.ingest(batches)


def positions(store: SqliteStore, session: str) -> list[tuple[str, int]]:
    with store._readers.snapshot() as db:
        query = "SELECT writer, next FROM writers JOIN sessions ON sessions.id = session WHERE session_id = ?"
        return db.execute(query, (session,)).fetchall()


def exported(store: SqliteStore, wanted: Filter = EVERY) -> list[bytes]:
    """The lines of an export, checked."""
    lines = list(lines_of(export_stream(store, wanted)))
    check = Check()
    for line in lines:
        check.feed(line)
    check.finish()
    return lines


def imported(store: SqliteStore, lines: Iterable[bytes], *, replace: bool = False) -> Intaken:
    with closing(Intake(store, replace=replace)) as intake:
        for line in lines:
            intake.feed(line)
        intake.finish()
        return intake.done


PAST_VALUES = (
    "WITH RECURSIVE places (place) AS (SELECT 1 UNION ALL SELECT place + 8 FROM places WHERE place < 793)"
    " SELECT path, session, substr(digests, place, 8) AS digest FROM past_values"
    " JOIN places ON place <= length(digests)"
)


def contents(data_path: Path) -> dict[str, list[str]]:
    """Every table of a data folder, those of folds too, as sorted rows without the numbers that only link them.

    A table that is added is compared like the others, so that whatever is folded at ingest is folded by an import.
    Past values have no order: each stands in a row of its own.
    """
    with closing(sqlite3.connect(data_path / FILE_NAME)) as db:
        db.row_factory = sqlite3.Row
        names = {
            "session": dict(db.execute("SELECT id, session_id FROM sessions").fetchall()),
            "series": {row["id"]: _series(row) for row in db.execute("SELECT * FROM series")},
            "term": {
                row["id"]: f"{row['path']} {row['kind']} {row['text']}" for row in db.execute("SELECT * FROM terms")
            },
        }
        tables = [
            name
            for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
            if name not in OF_THE_SERVER and not name.startswith("session_search")
        ]
        found = {}
        for table in tables:
            rows = []
            for row in db.execute(f"SELECT * FROM {table}" if table != "past_values" else PAST_VALUES):
                cells = {
                    key: row[key]
                    for key in row.keys()  # noqa: SIM118  # a Row is no dict
                    if not (key == "id" and isinstance(row[key], int))
                }
                if not all(value in names[key] for key, value in cells.items() if key in names):
                    continue  # of a session that is being cleared away
                rows.append(repr({key: names[key][value] if key in names else value for key, value in cells.items()}))
            found[table] = sorted(rows)
        return found


def _series(row: sqlite3.Row) -> str:
    return repr([row[key] for key in ("vital", "name", "type", "tags", "bounds")])


def copied(lines: list[bytes], writer: Any, reader: Any) -> list[bytes]:
    """The lines after they were written in a format and read again."""
    file = BytesIO()
    table = writer(file)
    for line in lines:
        table.write(line)
    table.finish()
    file.seek(0)
    return [line for _, line in reader(file)]


@pytest.fixture
def empty(tmp_path: Path) -> Any:
    """Another store, with nothing in it."""
    store = SqliteStore(tmp_path / "empty")
    yield store
    store.close()
