"""The store's file: shared by processes, held by another, of another version, damaged."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from datacat_server.ingest.decode import decode_batches
from datacat_server.ingest.records import SessionBatch
from datacat_server.store.errors import StoreError, StoreUnavailable
from datacat_server.store.protocol import UnknownSession
from datacat_server.store.sqlite import SqliteStore


def test_the_change_token_moves_with_every_write_of_any_process(
    store: SqliteStore, tmp_path: Path, send: Callable[..., Any]
) -> None:
    tokens = [store.change_token(), store.change_token()]
    assert tokens[0] == tokens[1]
    send("s1")
    tokens.append(store.change_token())
    code = "import sys; from pathlib import Path; from datacat_server.store.sqlite import SqliteStore;"
    code += "store = SqliteStore(Path(sys.argv[1])); store.delete('s1'); store.close()"
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "data")], check=True, timeout=60)
    tokens.append(store.change_token())
    assert len({repr(token) for token in tokens}) == 3
    assert store.change_token() == tokens[-1]


def test_a_file_of_a_newer_version_or_of_no_database_is_refused(tmp_path: Path) -> None:
    SqliteStore(tmp_path).close()
    with closing(sqlite3.connect(tmp_path / "datacat.sqlite3")) as db:
        db.execute("PRAGMA user_version = 9999")
    with pytest.raises(StoreError, match="newer version"):
        SqliteStore(tmp_path)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "datacat.sqlite3").write_bytes(b"no database " * 1000)
    with pytest.raises(StoreError, match=r"cannot be opened.*set data_path to another folder"):
        SqliteStore(tmp_path / "other")
    assert os.stat(tmp_path / "datacat.sqlite3").st_size > 0


def test_a_reader_that_is_at_it_when_the_store_closes_leaves_no_connection_open(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path)
    with store._readers.snapshot() as before:
        store.close()
        assert before.execute("SELECT count(*) FROM sessions").fetchone() == (0,)
    with store._readers.snapshot() as after:
        pass
    for connection in (before, after):
        with pytest.raises(sqlite3.ProgrammingError, match="closed"):
            connection.execute("SELECT 1")


def test_a_file_that_another_process_holds_is_unavailable(
    store: SqliteStore, tmp_path: Path, send: Callable[..., Any]
) -> None:
    store._writer.run(lambda ledger: ledger._db.execute("PRAGMA busy_timeout = 50").fetchone())
    with closing(sqlite3.connect(tmp_path / "data" / "datacat.sqlite3", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailable, match="another process holds"):
            send("s1")
        other.execute("ROLLBACK")
    send("s1")
    assert store.session("s1").id == "s1"


def test_a_job_that_breaks_a_rule_of_the_tables_is_undone_alone(store: SqliteStore, send: Callable[..., Any]) -> None:
    send("s1", "1-0", 0, [{"kind": "event", "name": "x"}])
    with pytest.raises(StoreError, match="UNIQUE constraint"):
        store._writer.run(lambda ledger: ledger._db.execute("INSERT INTO writers SELECT * FROM writers"))
    with pytest.raises(ZeroDivisionError):
        store._writer.run(lambda ledger: 1 // 0)
    assert send("s1", "1-0", 1, [{"kind": "event", "name": "y"}]).sessions["s1"].writers == {"1-0": 2}


def test_a_damaged_file_is_an_error_of_the_store(store: SqliteStore, tmp_path: Path, send: Callable[..., Any]) -> None:
    send("s1", "1-0", 0, [{"kind": "event", "name": "x"}])
    with closing(sqlite3.connect(tmp_path / "data" / "datacat.sqlite3")) as other:
        other.execute("DROP TABLE events")
    with pytest.raises(StoreError, match="table events has no column"):
        store.session("s1")
    with pytest.raises(StoreError, match="no such table"):
        send("s1", "1-0", 1, [{"kind": "event", "name": "y"}])


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("PRAGMA user_version = 2", "has no column"),
        ("CREATE TABLE sessions (x); PRAGMA user_version = 2", "has no column"),
        ("CREATE TABLE sessions (x)", "it has a table sessions, and no version"),
        ("CREATE TABLE notes (x)", "it has a table notes, and no version"),
        ("CREATE TABLE notes (x); PRAGMA user_version = 77", "newer version"),
    ],
)
def test_a_database_of_something_else_is_refused_by_its_name(tmp_path: Path, script: str, why: str) -> None:
    file = tmp_path / "datacat.sqlite3"
    with closing(sqlite3.connect(file)) as db:
        db.executescript(script)
    with pytest.raises(StoreError, match=why) as raised:
        SqliteStore(tmp_path)
    assert str(file) in str(raised.value)
    assert "set data_path to another folder" in str(raised.value)


def test_a_batch_that_is_undone_leaves_nothing_behind_in_memory_either(
    store: SqliteStore, make_body: Callable[..., bytes]
) -> None:
    counter = [{"kind": "metric", "name": "n", "type": "counter", "delta": 1}]
    first, _ = decode_batches(make_body("s1", "1-0", 0, counter))
    second, _ = decode_batches(make_body("s1", "1-0", 1, counter) + make_body("s2", "1-0", 0, counter))
    store.ingest(first)
    for _ in range(3):
        with pytest.raises(UnknownSession):
            store.ingest([*second, SessionBatch("nobody")])
    assert [session.id for session in store.sessions().sessions] == ["s1"]
    store.ingest(second)
    assert [metric.value for metric in store.session("s1").metrics or []] == [1, 2]
    assert [metric.value for metric in store.session("s2").metrics or []] == [1]


def test_the_file_is_for_its_owner_only_in_any_folder(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    store = SqliteStore(tmp_path)
    store.ingest([])
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}
    store.close()


def test_a_change_token_that_cannot_be_had_is_an_error_of_the_store(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path)
    store.close()
    with pytest.raises(StoreError):
        store.change_token()
