"""What a path was that had too many values for the index of states: told by digests, without a log of a state."""

import json
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from datacat_server.filters import parse_filter
from datacat_server.ingest.result import IngestResult
from datacat_server.store.sqlite import SqliteStore
from datacat_server.store.sqlite.file.connection import FILE_NAME, connect
from datacat_server.store.sqlite.folds.past_values import read_past_values
from datacat_server.store.sqlite.folds.search_terms import MOST_TERMS, MOST_VALUES
from datacat_server.store.sqlite.folds.state_check import StateCheck

Send = Callable[..., IngestResult]
MANY = MOST_VALUES + 100


def states(path: str, values: list[Any]) -> list[dict[str, Any]]:
    return [{"kind": "state", "state": {path: value}} for value in values]


def been(store: SqliteStore, path: str, value: Any, relation: str = "state_ever") -> list[str]:
    page = store.sessions(parse_filter([(relation, f"{path}:{json.dumps(value)}")]))
    return sorted(session.id for session in page.sessions)


def digests(folder: Path) -> list[tuple[str, int, int]]:
    """Path, number of the session and how many different ones, of every path."""
    with closing(connect(folder / FILE_NAME)) as db:
        found = db.execute("SELECT DISTINCT path, session FROM past_values ORDER BY path, session").fetchall()
        return [(path, session, len(read_past_values(db, session, path))) for path, session in found]


@pytest.fixture
def no_log(monkeypatch: pytest.MonkeyPatch) -> None:
    """No log of a state may be read."""

    def holds(*_: Any) -> bool:
        raise AssertionError("a log was read")

    monkeypatch.setattr(StateCheck, "holds", holds)


@pytest.mark.usefixtures("no_log")
def test_what_a_crowded_path_was_is_told_without_a_log(store: SqliteStore, send: Send) -> None:
    """From before and after it was too much, in one batch and in many; of every kind of value."""
    send("s1", records=states("x", [*range(MANY), 0.5, True, "text", [1, 2], None]))
    send("s2", records=states("x", list(range(MOST_VALUES))))
    for number in range(MOST_VALUES, MANY, 20):
        send("s2", first=number, records=states("x", list(range(number, number + 20))))
    for value in (0, 7.0, MOST_VALUES - 1, MOST_VALUES, MANY - 1):
        assert been(store, "x", value) == ["s1", "s2"], value
    for value in (0.5, True, "text", [1, 2]):
        assert been(store, "x", value) == ["s1"], value
    for value in (-1, 0.25, False, "tex", [1], MANY):
        assert been(store, "x", value) == [], value
    assert been(store, "x", MANY - 1, "state") == ["s2"]


def test_long_texts_and_arrays_are_looked_for_in_the_log(tmp_path: Path, store: SqliteStore, send: Send) -> None:
    long, array = "long" * 100, list(range(150))
    send("s1", records=states("x", [*range(MANY), long, array]))
    assert been(store, "x", long) == been(store, "x", array) == ["s1"]
    assert been(store, "x", long + "er") == been(store, "x", array[1:]) == []
    assert digests(tmp_path / "data") == [("x", 1, MANY)]


def test_what_goes_back_and_forth_does_not_grow(tmp_path: Path, store: SqliteStore, send: Send) -> None:
    send("s1", records=states("x", list(range(MANY))))
    for number in range(20):
        send("s1", first=MANY + 2 * number, records=states("x", [-1, -2]))
    with closing(connect(tmp_path / "data" / FILE_NAME)) as db:
        (stored,) = db.execute("SELECT sum(length(digests)) FROM past_values").fetchone()
    assert stored == 8 * (MANY + 2)
    assert been(store, "x", -1) == ["s1"]


def test_nothing_is_left_of_a_removed_session_or_of_one_with_too_much(
    tmp_path: Path, store: SqliteStore, send: Send
) -> None:
    for name in ("s1", "s2", "s3"):
        send(name, records=states("x", list(range(MANY))))
    store.delete("s1")
    store.clear()
    send("s2", first=MANY, records=[{"kind": "state", "state": {f"k{key}": 1 for key in range(MOST_TERMS + 1)}}])
    assert digests(tmp_path / "data") == [("x", 3, MANY)]
    assert been(store, "x", 7) == ["s2", "s3"]


def test_a_file_from_before_there_were_digests_gets_them(tmp_path: Path, store: SqliteStore, send: Send) -> None:
    for name in ("s1", "s2"):
        send(name, records=states("x", list(range(MANY))))
    send("s3", records=states("x", [7]))
    store.close()
    folder = tmp_path / "data"
    before = digests(folder)
    with closing(connect(folder / FILE_NAME)) as db:
        db.execute("DROP TABLE past_values")
        db.execute("DROP INDEX sessions_active")
        db.execute("PRAGMA user_version = 9")
    with closing(SqliteStore(folder)) as again:
        assert been(again, "x", 7) == ["s1", "s2", "s3"]
        assert been(again, "x", MANY - 1) == ["s1", "s2"]
    assert digests(folder) == before == [("x", 1, MANY), ("x", 2, MANY)]
