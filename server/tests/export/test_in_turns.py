"""A large session is imported in turns: others go on between, and it is to be seen whole or not at all."""

import signal
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from datacat_server.exchange.records import decode
from datacat_server.export.intake import Intaken
from datacat_server.filters import parse_filter
from datacat_server.store.errors import StoreError
from datacat_server.store.exchange import Outcome
from datacat_server.store.protocol import UnknownSession
from datacat_server.store.sqlite import SqliteStore
from datacat_server.store.sqlite.file.connection import FILE_NAME
from datacat_server.store.sqlite.writing import importing
from datacat_server.store.views import MetricFilter

from .conftest import contents, exported, imported, ingest
from .test_same_answers import CRASH, failing

Start = Callable[..., Any]
EVENTS = 250
STATE = {"kind": "state", "state": {"window": {"open": ["map"]}}}
FPS = {"kind": "metric", "name": "fps", "value": 60}


@pytest.fixture
def lines(store: SqliteStore) -> list[bytes]:
    """A session with something of every kind, exported."""
    records: list[dict[str, Any]] = [{"kind": "event", "name": f"e{number}"} for number in range(EVENTS)]
    crash = [failing("OSError", "save"), {"kind": "status", "status": "hung"}, CRASH, {"kind": "event", "name": "last"}]
    wait = {"kind": "metric", "name": "wait", "type": "histogram", "value": 0.2}
    bad = {"kind": "metric", "name": "bad", "type": "none"}
    ingest(store, "s1", [STATE, FPS, wait, bad, *records, *crash], machine_id="m1")
    ingest(store, "s1", [{"kind": "state", "state": {"window": {"open": [f"w{n}"]}}} for n in range(210)])
    return exported(store)


@pytest.fixture
def turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every row is a turn of its own."""
    monkeypatch.setattr(importing, "STEP_SECONDS", 0.0)


def halfway(store: SqliteStore, lines: list[bytes], *, replace: bool = False) -> Iterator[Any]:
    """An import as it stands between two turns, in the middle; then its outcome."""
    rows = [decode(line) for line in lines if b'"session":"s1"' in line]
    replayed = importing._Replayed(rows[0], iter(rows[1:-1]))  # type: ignore[arg-type]
    assert store._writer.run(lambda ledger: replayed.begin(ledger, replace=replace)) is None
    for _ in range(len(rows) // 2):
        assert store._writer.run(replayed.turn)
    yield replayed
    while store._writer.run(replayed.turn):
        pass
    yield store._writer.run(lambda ledger: replayed.publish(ledger, replace=replace))


def seen(store: SqliteStore) -> list[Any]:
    """Whatever of a session could be seen."""
    with pytest.raises(UnknownSession):
        store.session("s1")
    found: list[Any] = [*store.problems().problems, *store.releases().releases, *store.export(parse_filter([]))]
    for question in ([], [("q", "game")], [("contains", "window.open:map")], [("ever_contains", "window.open:map")]):
        found += store.sessions(parse_filter(question)).sessions
        found += store.metric_page(MetricFilter(name="fps"), "peak", parse_filter(question)).values  # type: ignore[arg-type]
    return found


@pytest.mark.usefixtures("turns")
def test_however_short_its_turns_an_import_gives_back_everything(
    tmp_path: Path, store: SqliteStore, empty: SqliteStore, lines: list[bytes]
) -> None:
    assert imported(empty, lines).imported == 1
    assert exported(empty)[1:] == lines[1:]
    before, after = contents(tmp_path / "data"), contents(tmp_path / "empty")
    for table, rows in before.items():
        assert after[table] == rows, table


def test_a_short_session_is_imported_by_one_transaction(
    empty: SqliteStore, lines: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "STEP_SECONDS", 60.0)  # it is short, however busy the machine
    empty.clear()  # nothing else is written meanwhile
    before = empty._writer.commit_seconds.read().count
    assert imported(empty, lines).imported == 1
    assert empty._writer.commit_seconds.read().count - before == 1
    for _ in range(2):
        assert exported(empty)[1:] == lines[1:]
        assert imported(empty, lines, replace=True).replaced == 1


@pytest.mark.usefixtures("turns")
def test_what_others_send_is_stored_while_a_large_session_is_imported(empty: SqliteStore, lines: list[bytes]) -> None:
    steps = halfway(empty, lines)
    next(steps)
    for number in range(5):
        ingest(empty, f"other{number}", [{"kind": "event", "name": "x"}])
    assert next(steps) is Outcome.IMPORTED
    assert empty.session("s1", ()).event_count == EVENTS + 4
    assert [empty.session(f"other{number}", ()).event_count for number in range(5)] == [1] * 5


@pytest.mark.usefixtures("turns")
def test_nothing_of_a_session_is_to_be_seen_before_it_is_imported_whole(empty: SqliteStore, lines: list[bytes]) -> None:
    steps = halfway(empty, lines)
    next(steps)
    assert seen(empty) == []
    empty.clear()  # which takes nothing from what is still coming in
    assert next(steps) is Outcome.IMPORTED
    assert exported(empty)[1:] == lines[1:]


@pytest.mark.usefixtures("turns")
def test_a_session_that_is_replaced_stays_until_the_other_one_is_whole(empty: SqliteStore, lines: list[bytes]) -> None:
    ingest(empty, "s1", [{"kind": "event", "name": "old"}])
    steps = halfway(empty, lines, replace=True)
    next(steps)
    assert [event.name for event in empty.session("s1").events] == ["old"]
    assert next(steps) is Outcome.REPLACED
    assert exported(empty)[1:] == lines[1:]


@pytest.mark.usefixtures("turns")
def test_two_imports_of_one_session_at_once_give_one_session(empty: SqliteStore, lines: list[bytes]) -> None:
    first, second = halfway(empty, lines), halfway(empty, lines)
    next(first)
    next(second)
    assert [next(first), next(second)] == [Outcome.IMPORTED, Outcome.SKIPPED]
    empty.clear()
    assert exported(empty)[1:] == lines[1:]


def test_what_a_failed_import_has_stored_is_cleared_away(
    tmp_path: Path, store: SqliteStore, empty: SqliteStore, lines: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "STEP_SECONDS", 0.0)
    place = next(place for place, line in enumerate(lines) if b'"name":"e200"' in line)
    damaged = [*lines[:place], lines[place].replace(b'"level":"info"', b'"level":"odd"'), *lines[place + 1 :]]
    with pytest.raises(ValueError, match="session s1: level: expected one of"):
        imported(empty, damaged)
    empty.clear()
    assert {table: rows for table, rows in contents(tmp_path / "empty").items() if rows} == {}
    with closing(sqlite3.connect(tmp_path / "empty" / FILE_NAME)) as db:
        assert db.execute("SELECT (SELECT count(*) FROM events), (SELECT count(*) FROM removals)").fetchone() == (0, 0)


@pytest.mark.usefixtures("turns")
def test_an_import_that_stood_still_too_long_is_cleared_away_and_says_so(
    empty: SqliteStore, lines: list[bytes]
) -> None:
    steps = halfway(empty, lines)
    next(steps)
    empty._writer.run(lambda ledger: ledger.db.execute("UPDATE removals SET until = 1"))
    empty.clear()
    with pytest.raises(StoreError, match="import it again"):
        next(steps)
    with empty._readers.snapshot() as db:
        assert db.execute("SELECT (SELECT count(*) FROM events), (SELECT count(*) FROM removals)").fetchone() == (0, 0)
    assert imported(empty, lines) == Intaken(imported=1, records=len(lines) - 4, complete=True)


def test_an_import_killed_in_the_middle_leaves_nothing_to_be_seen_and_the_next_one_completes_it(
    start: Start, tmp_path: Path, store: SqliteStore, lines: list[bytes]
) -> None:
    (tmp_path / "all").write_bytes(b"".join(line + b"\n" for line in lines))
    slow = "from datacat_server.store.sqlite.writing import importing; importing.STEP_SECONDS = 0.0"
    program = start("datacat", "import", "all", "--data-path", "new", prelude=slow)
    file = tmp_path / "new" / FILE_NAME
    while not (file.exists() and count(file, "events") > 20):
        assert program.process.poll() is None, program.finish()
        time.sleep(0.005)
    program.finish(signal.SIGKILL)
    assert count(file, "sessions") == 0
    assert 20 < count(file, "events") < EVENTS
    for said in ("1 session imported", "0 sessions imported; 1 left as they are"):
        code, out, err = start("datacat", "import", "all", "--data-path", "new").finish()
        assert (code, err) == (0, "")
        assert said.split(";")[0] in out
    with closing(SqliteStore(tmp_path / "new")) as new:
        assert exported(new)[1:] == lines[1:]
        new._writer.run(lambda ledger: ledger.db.execute("UPDATE removals SET until = 1"))
        new.clear()
    before, after = contents(tmp_path / "data"), contents(tmp_path / "new")
    assert {table: after[table] for table in before} == before
    assert count(file, "events") == EVENTS + 4


def count(file: Path, table: str) -> int:
    """How many rows a table has; 0 where it is not there yet."""
    with closing(sqlite3.connect(file, timeout=30)) as db:
        try:
            number: int = db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
        except sqlite3.OperationalError:
            return 0
        return number
