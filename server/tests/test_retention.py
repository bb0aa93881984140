"""Sessions are removed in small steps: gone at once, cleared away beside what comes in, whatever dies meanwhile."""

import asyncio
import json
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from datacat_server.chores.silence import watch_silence
from datacat_server.config import Config
from datacat_server.filters import Filter
from datacat_server.store.protocol import UnknownSession
from datacat_server.store.sqlite import SqliteStore
from datacat_server.store.sqlite import store as store_module
from datacat_server.store.sqlite.folds import courses, timeline
from datacat_server.store.sqlite.writing import ledger, prune
from datacat_server.store.sqlite.writing.ledger import Ledger

Send = Callable[..., Any]
Start = Callable[..., Any]


def everything(count: int) -> list[dict[str, Any]]:
    """`count` records of each kind, and one that is refused."""
    records: list[dict[str, Any]] = []
    for number in range(count):
        records += [
            {"kind": "event", "name": "moved", "message": "m" * 400},
            {"kind": "state", "state": {"level": number}},
            {"kind": "metric", "name": f"m{number % 7}", "value": number},
            {"kind": "metric", "name": "h", "type": "histogram", "value": number},
        ]
    return [*records, {"kind": "status", "status": "hung"}, {"kind": "event", "name": 3}]


def rows_of_sessions(file: Path) -> dict[str, int]:
    """How many rows every table has that belong to sessions, by whatever column says so."""
    with closing(sqlite3.connect(file)) as db:
        tables = db.execute(
            "SELECT t.name FROM sqlite_schema t, pragma_table_info(t.name) c"
            " WHERE t.type = 'table' AND c.name IN ('session', 'series') OR t.name = 'sessions'"
        ).fetchall()
        return {table: db.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for (table,) in set(tables)}


def test_a_removed_session_is_gone_at_once_and_leaves_no_row_in_the_end(
    store: SqliteStore, send: Send, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prune, "_STEP_ROWS", 100)
    monkeypatch.setattr(prune, "_CHUNK_ROWS", 50)
    for folds in (timeline, courses):
        monkeypatch.setattr(folds, "FOLDED_FROM", 50)
    send("s1", "1-0", 0, everything(500))
    with_records = rows_of_sessions(tmp_path / "data" / "datacat.sqlite3")
    assert all(count for table, count in with_records.items() if table not in ("removals", "returns")), with_records
    # As `prune` does first: nothing is cleared yet.
    assert store._writer.run(lambda ledger: ledger.expire(["s1"], 2**60)) == 1
    for call in (store.session, store.delete, store.event_page, store.series, store.states):
        with pytest.raises(UnknownSession):
            call("s1")
    assert store.sessions().total == 0
    assert rows_of_sessions(tmp_path / "data" / "datacat.sqlite3")["events"] == with_records["events"]
    store.clear()
    assert set(rows_of_sessions(tmp_path / "data" / "datacat.sqlite3").values()) == {0}


def test_each_step_removes_a_bounded_number_of_rows(
    store: SqliteStore, send: Send, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prune, "_STEP_ROWS", 100)
    monkeypatch.setattr(prune, "_CHUNK_ROWS", 50)
    for session in ("s1", "s2", "s3"):
        send(session, "1-0", 0, everything(200))
    store._writer.run(lambda ledger: ledger.expire(["s1", "s2", "s3"], 2**60))
    left, more, steps = [10**9], True, 0
    while more:
        more = store._writer.run(Ledger.clear_some)
        steps += 1
        left.append(sum(rows_of_sessions(tmp_path / "data" / "datacat.sqlite3").values()))
        assert steps == 1 or left[-2] - left[-1] <= 160
    assert left[-1] == 0
    assert steps > 15


def test_a_new_session_has_nothing_of_one_that_is_being_removed(
    store: SqliteStore, send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prune, "_STEP_ROWS", 50)
    monkeypatch.setattr(prune, "_CHUNK_ROWS", 50)
    send("s1", "1-0", 0, everything(500))
    store._writer.run(lambda ledger: ledger.expire(["s1"], 2**60))
    send("s2", "1-0", 0, everything(3))
    for _ in range(5):
        store._writer.run(Ledger.clear_some)
    send("s3", "1-0", 0, everything(3))
    store.clear()
    for name in ("s2", "s3"):
        whole = store.session(name)
        assert len([event for event in whole.events or [] if event.name == "moved"]) == 3
        assert (whole.event_count, whole.refused_count) == (4, 1)
        assert whole.state["level"] == 2


PRUNING = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from datacat_server.store.sqlite import SqliteStore
from datacat_server.store.sqlite.writing import prune
prune._STEP_ROWS = prune._CHUNK_ROWS = 50
store = SqliteStore(Path(sys.argv[1]))
print(store.prune(datetime.now(UTC)), flush=True)
store.clear()
"""


def test_a_kill_in_the_middle_of_a_removal_leaves_what_the_next_one_finishes(tmp_path: Path, send: Send) -> None:
    file = tmp_path / "data" / "datacat.sqlite3"
    send("s1", "1-0", 0, everything(3000))
    whole = rows_of_sessions(file)["events"]
    for _ in range(3):
        process = subprocess.Popen([sys.executable, "-c", PRUNING, file.parent], stdout=subprocess.PIPE)
        assert process.stdout is not None
        process.stdout.readline()
        before = rows_of_sessions(file)["events"]
        while rows_of_sessions(file)["events"] == before:
            assert process.poll() is None
        process.kill()
        process.communicate()
        rows = rows_of_sessions(file)
        assert 0 < rows["events"] < whole
        assert (rows["sessions"], rows["removals"]) == (0, 1)
        with closing(sqlite3.connect(file)) as db:
            assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        with closing(SqliteStore(file.parent)) as store:
            assert store.sessions().total == 0
    with closing(SqliteStore(file.parent)) as store:
        store.prune(datetime.now(UTC))
        store.clear()
    assert set(rows_of_sessions(file).values()) == {0}


def test_space_comes_back_to_the_file_system(store: SqliteStore, send: Send, tmp_path: Path) -> None:
    file = tmp_path / "data" / "datacat.sqlite3"
    for part in range(6):
        send("s1", "1-0", part * 4000, [{"kind": "event", "name": "x", "message": "y" * 900}] * 4000)
    send("s2", "1-0", 0, everything(3))
    store.prune(datetime.now(UTC), product="another")
    with closing(sqlite3.connect(file)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    before = file.stat().st_size
    assert before > 20_000_000
    store.delete("s1")
    store.clear()
    store.close()
    assert file.stat().st_size < prune.KEPT_FREE_PAGES * 4096 + 1_000_000
    with closing(SqliteStore(tmp_path / "data")) as again:
        assert again.session("s2").event_count == 4


def test_a_file_of_an_older_version_gives_its_space_back_when_it_is_compacted(tmp_path: Path, start: Start) -> None:
    file = tmp_path / "datacat_data" / "datacat.sqlite3"
    SqliteStore(file.parent).close()
    with closing(sqlite3.connect(file, isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode = DELETE")
        db.execute("PRAGMA auto_vacuum = NONE")
        db.execute("VACUUM")
        assert db.execute("PRAGMA auto_vacuum").fetchone() == (0,)
        db.execute("CREATE TABLE ballast (x)")
        db.execute("INSERT INTO ballast VALUES (zeroblob(20000000))")
        db.execute("DROP TABLE ballast")
    server = start("datacat-server", "--port", "0")
    server.addresses()
    code, out, err = start("datacat", "prune", "--compact", "--yes").finish()
    assert (code, out) == (1, "")
    assert "stop that first" in err
    server.finish(signal.SIGTERM)
    assert file.stat().st_size > 20_000_000
    code, out, _ = start("datacat", "prune", "--compact", "--yes").finish()
    assert (code, out) == (0, "no session is that old; 20 MB given back to the file system\n")
    assert file.stat().st_size < 1_000_000
    with closing(sqlite3.connect(file)) as db:
        assert db.execute("PRAGMA auto_vacuum").fetchone() == (2,)


def test_prune_says_what_it_would_do_asks_and_removes_what_is_old(start: Start, tmp_path: Path, send: Send) -> None:
    for session, product in (("a1", "A"), ("a2", "A"), ("b1", "B")):
        send(session, "1-0", 0, everything(2), product=product)
    data = ("--data-path", "data")
    assert start("datacat", "prune", *data).finish() == (0, "no session is that old\n", "")
    old = (*data, "--older-than", "0m")
    assert start("datacat", "prune", *old, "--dry-run").finish() == (0, "3 sessions would be removed\n", "")
    code, _, err = start("datacat", "prune", *old).finish()
    assert (code, err) == (
        1, "error: 3 sessions would be removed for good; say --yes to do it, or --dry-run\n"
    )  # fmt: skip
    code, out, _ = start("datacat", "prune", *old, "--product", "A", "--yes", "--json").finish()
    assert (code, json.loads(out)) == (0, {"found": 2, "removed": 2, "bytes_freed": 0})
    code, out, _ = start("datacat", "prune", *old, "--yes").finish()
    assert (code, out) == (0, "removed 1 session; 0 B given back to the file system\n")
    code, _, err = start("datacat", "prune", *data, "--older-than", "soon").finish()
    assert (code, "--older-than: expected a number and s, min (or m), h, d or w" in err) == (1, True)


def test_the_server_goes_on_with_a_removal_that_was_cut_short(
    store: SqliteStore, send: Send, start: Start, tmp_path: Path
) -> None:
    file = tmp_path / "data" / "datacat.sqlite3"
    send("s1")
    store._writer.run(lambda ledger: ledger.expire(["s1"], 2**60))
    store.close()
    assert rows_of_sessions(file)["state_changes"] == 1
    server = start("datacat-server", "--port", "0", "--data-path", "data")
    server.addresses()
    while set(rows_of_sessions(file).values()) != {0}:
        assert server.process.poll() is None
        time.sleep(0.05)


def test_what_comes_in_while_many_sessions_fall_silent_is_taken_in_between(
    store: SqliteStore, send: Send, make_body: Callable[..., bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger, "STEP_SECONDS", 0.002)
    count = 2_000
    send(body=b"".join(make_body(f"s{number}") for number in range(count)))
    before = datetime.now(UTC)
    seen = set()
    with ThreadPoolExecutor(1) as others:
        suspending = others.submit(store.suspend_silent, before)
        beat = 0
        while not suspending.done():
            send("talker", "1-0", beat, [{"kind": "event", "name": "beat"}])
            beat += 1
            seen.add(store.sessions(Filter(status="suspended"), limit=1).total)
    assert suspending.result() == count
    assert any(0 < suspended < count for suspended in seen), seen
    assert store.session("talker", ()).status == "active"
    assert store.session("s7", ()).reason
    # What the light step wrote is what a session that is loaded goes on with.
    send("s7", "1-0", 0, [{"kind": "event", "name": "back"}])
    assert store.session("s7", ()).status == "active"


def test_a_server_that_stops_leaves_the_rest_of_the_silent_ones_for_later(
    store: SqliteStore, send: Send, make_body: Callable[..., bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger, "STEP_SECONDS", 0.002)
    count = 2_000
    send(body=b"".join(make_body(f"s{number}") for number in range(count)))
    config = Config(heartbeat_timeout_seconds=0.01)

    async def watch_until_some_are_suspended() -> None:
        watching = asyncio.create_task(watch_silence(store, config))
        while not store.sessions(Filter(status="suspended"), limit=1).total:
            await asyncio.sleep(0.005)
        watching.cancel()

    asyncio.run(watch_until_some_are_suspended())  # ends when its threads have
    assert 0 < store.sessions(Filter(status="suspended"), limit=1).total < count


def test_all_that_are_silent_are_counted_and_removed_however_many_at_a_time(
    store: SqliteStore, send: Send, make_body: Callable[..., bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "_EXPIRED_AT_ONCE", 3)
    send(body=b"".join(make_body(f"s{number}", product="AB"[number % 2]) for number in range(14)))
    before = datetime.now(UTC)
    assert store.silent(before) == 14
    assert store.silent(before, product="A") == store.prune(before, product="A") == 7
    assert store.silent(before) == store.prune(before) == 7
    assert store.sessions().total == 0
