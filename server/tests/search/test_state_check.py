"""What a state ever was, of paths that change all the time: how much of the logs is read for it, in steps of SQLite."""

import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from datacat_server.filters import parse_filter
from datacat_server.ingest.result import IngestResult
from datacat_server.store.sqlite import SqliteStore
from datacat_server.store.sqlite.file.connection import FILE_NAME, connect
from datacat_server.store.sqlite.folds.state_check import StateCheck
from datacat_server.store.sqlite.reading.listing import read_page

Send = Callable[..., IngestResult]
Ask = Callable[..., tuple[list[str], int]]
CHANGES = 2_000
FEW_STEPS = 3_000


@pytest.fixture
def ask(tmp_path: Path, store: SqliteStore) -> Iterator[Ask]:
    """Asks one connection for sessions; their ids, and the steps that it took."""
    with closing(connect(tmp_path / "data" / FILE_NAME)) as db:
        steps = [0]

        def step() -> None:
            steps[0] += 100

        db.set_progress_handler(step, 100)

        def ask(*question: tuple[str, str]) -> tuple[list[str], int]:
            steps[0] = 0
            page = read_page(db, parse_filter(list(question)), "created", 100, None)
            return [session.id for session in page.sessions], steps[0]

        yield ask


def text(number: int) -> str:
    """One that is too long to have a digest among the past values."""
    return f"{number}" + "." * 200


def positions(first: int, count: int) -> list[dict[str, Any]]:
    return [{"kind": "state", "state": {"x": text(number)}} for number in range(first, first + count)]


def test_what_was_looked_for_once_is_looked_for_in_what_came_since(send: Send, ask: Ask) -> None:
    send("s1", records=positions(0, CHANGES))
    for wanted, found in ((7, ["s1"]), (-1, [])):
        answer, steps = ask(("state_ever", f"x:{text(wanted)}"))
        assert answer == found
        answer, steps_again = ask(("state_ever", f"x:{text(wanted)}"))
        assert answer == found
        assert steps_again < FEW_STEPS < steps or wanted == 7
    send("s1", first=CHANGES, records=positions(-1, 1))
    answer, steps = ask(("state_ever", f"x:{text(-1)}"))
    assert (answer, steps < FEW_STEPS) == (["s1"], True)
    assert ask(("state_ever", f"x:{text(-1)}"))[0] == ["s1"]


def test_logs_are_read_of_sessions_that_the_rest_of_the_filter_picks(send: Send, ask: Ask) -> None:
    for number in range(5):
        send(f"s{number}", records=positions(0, CHANGES), product="Tool" if number else "Game")
    answer, of_one = ask(("state_ever", f"x:{text(-1)}"), ("product", "Game"))
    assert answer == []
    answer, of_all = ask(("state_ever", f"x:{text(-2)}"))
    assert answer == []
    assert of_one * 4 < of_all


def test_another_session_that_gets_the_number_is_looked_through_anew(store: SqliteStore, send: Send, ask: Ask) -> None:
    for there in (True, False):
        send("s1", records=positions(0 if there else 1, CHANGES))
        for _ in range(2):
            assert ask(("state_ever", f"x:{text(0)}"))[0] == (["s1"] if there else [])
        store.delete("s1")
        store.clear()
        store._writer.run(lambda ledger: ledger.db.execute("DELETE FROM deleted"))


def test_what_is_remembered_of_a_question_is_small_however_long_the_question_is(tmp_path: Path, send: Send) -> None:
    send("s1", records=positions(0, 3))
    with closing(connect(tmp_path / "data" / FILE_NAME)) as db:
        check = StateCheck(db)
        tracemalloc.start()
        try:
            for number in range(500):
                assert not check.holds(1, "was", '["x"]', f'"{number:020000}"')
            taken, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert taken < 5_000_000, "each question was kept as it was asked: that would be twice as much"
