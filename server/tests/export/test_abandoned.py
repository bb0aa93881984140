"""What a killed import has left is cleared away by the server that runs beside it."""

import asyncio
import time
from pathlib import Path

import pytest
from datacat_server.chores import abandoned
from datacat_server.config import Config
from datacat_server.store.sqlite import SqliteStore
from datacat_server.store.sqlite.writing.ledger import Ledger
from datacat_server.store.sqlite.writing.live import reserve_number


def left_by_an_import(store: SqliteStore, until: int) -> None:
    """Leave the number of a session that is not whole yet, whose import has its time until then."""

    def leave(ledger: Ledger) -> None:
        ledger.db.execute("INSERT INTO removals (session, until) VALUES (?, ?)", (reserve_number(ledger.db), until))

    store._writer.run(leave)


def condemned(store: SqliteStore) -> int:
    with store._readers.snapshot() as db:
        number: int = db.execute("SELECT count(*) FROM removals").fetchone()[0]
        return number


def test_a_running_server_clears_away_what_a_killed_import_left_once_its_time_is_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(abandoned, "_LOOK_SECONDS", 0.01)
    server, other = SqliteStore(tmp_path), SqliteStore(tmp_path)
    now = time.time_ns() // 1000
    left_by_an_import(other, now + 600_000_000)

    async def run() -> None:
        chore = asyncio.create_task(abandoned.clear_abandoned(server, Config()))
        try:
            left_by_an_import(other, now - 1)
            while condemned(server) > 1:
                assert not chore.done()
                await asyncio.sleep(0.01)
        finally:
            chore.cancel()

    try:
        asyncio.run(asyncio.wait_for(run(), 60))
        assert condemned(server) == 1  # the one that may go on
    finally:
        server.close()
        other.close()
