"""`datacat doctor --recount` finds what is folded otherwise than the records say, and `--repair` folds it anew."""

import json
import sqlite3
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from datacat_server.doctor.folds import look_at_folds
from datacat_server.store.problems import ProblemStatus
from datacat_server.store.sqlite import SqliteStore
from datacat_server.store.sqlite.file.connection import FILE_NAME
from hypothesis import HealthCheck, Phase, given, settings

from .conftest import START, contents, ingest
from .test_round_trip import SESSIONS
from .test_same_answers import CRASH, failing

Start = Callable[..., Any]
LONG = 10_050
HOUR = 3_600_000_000
COURSE = 2_050
DAMAGE = {
    "counts of events, of 1 session: s1": "UPDATE sessions SET event_count = 7 WHERE session_id = 's1'",
    "counts of events by name, of 1 session: s1": "UPDATE event_counts SET count = count + 1 WHERE name = 'e3'",
    "timeline, of 1 session: s1": "UPDATE timeline_buckets SET info = info + 1 WHERE bucket % 2 = 0",
    "sums of metrics, of 1 session: s1": "UPDATE series SET sum = sum + 5 WHERE name = 'fps'",
    "courses of metrics, of 1 session: s1": "DELETE FROM course_stretches WHERE stretch % 2 = 0",
    "text that is searched, of 2 sessions: s1, s2": "UPDATE session_texts SET text = 'x' WHERE session < 3",
    "index of states, of 2 sessions: s1, s2": "DELETE FROM postings WHERE session IN (1, 2)",
    "problems of the session, of 1 session: s2": "UPDATE problem_sessions SET count = 9 WHERE session = 2",
    "problems, of all sessions": "UPDATE problems SET machines = 7",
    "problems by version, of all sessions": "DELETE FROM problem_versions WHERE version = '1.0'",
    "problems by machine, of all sessions": "UPDATE problem_machines SET sessions = 4",
    "problems by day, of all sessions": "UPDATE problem_days SET count = count + 1",
    "releases, of all sessions": "UPDATE releases SET crashed = crashed + 1",
    "releases by day, of all sessions": "DELETE FROM release_days",
}


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with something in every fold."""
    folder = tmp_path_factory.mktemp("sound")
    fps = [{"kind": "metric", "name": "fps", "value": number % 61, "time": START + number} for number in range(COURSE)]
    with closing(SqliteStore(folder)) as store:
        ingest(store, "s1", [{"kind": "event", "name": f"e{number % 9}"} for number in range(LONG)])
        ingest(store, "s1", [{"kind": "state", "state": {"x": number, "map": "a"}} for number in range(300)])
        ingest(store, "s1", [*fps, {"kind": "metric", "name": "wait", "type": "histogram", "value": 0.2}])
        for number, version in ((2, "1.0"), (3, "1.1"), (4, "1.1")):
            records = [failing("KeyError", "load"), failing("OSError", "save"), {"kind": "status", "status": "hung"}]
            ingest(store, f"s{number}", [*records, CRASH], version=version, machine_id=f"m{number % 2}", hostname="h")
        for old, new, machine in (("s5", "s6", "m5"), ("s7", "s8", "m7")):  # the machine was started again without it
            asleep = [failing("ValueError", "wake"), {"kind": "status", "status": "suspended"}]
            ingest(store, old, asleep, machine_id=machine, boot_id="b1")
            ingest(store, new, [failing("KeyError", "load")], machine_id=machine, boot_id="b2", time=START + HOUR)
            assert store.session(old).crashed
        ingest(store, "s7", [{"kind": "event", "name": "awake", "time": time.time_ns() // 1000}])
        assert not store.session("s7").crashed
        ingest(store, "s5", [{"kind": "status", "status": "crashed", "data": {"kind": "unknown"}}])
        for problem in store.problems().problems[:2]:
            store.resolve_problem(problem.id, "1.0")
    return folder


@pytest.fixture
def folder(sound: Path, tmp_path: Path) -> Path:
    """A copy of it that may be damaged."""
    copy = tmp_path / "data"
    copy.mkdir()
    (copy / FILE_NAME).write_bytes((sound / FILE_NAME).read_bytes())
    return copy


def told(folder: Path, *, mend: bool = False) -> list[str]:
    return [f"{finding.level} {finding.text}" for finding in look_at_folds(folder, mend=mend)]


def damage(folder: Path, *statements: str) -> None:
    with closing(sqlite3.connect(folder / FILE_NAME, isolation_level=None)) as db:
        for statement in statements:
            assert db.execute(statement).rowcount > 0


WELL = ["ok what is folded of 8 sessions is what the records say"]


@pytest.mark.parametrize("what", DAMAGE)
def test_a_fold_that_is_not_what_the_records_say_is_named_and_folded_anew(folder: Path, what: str) -> None:
    before = contents(folder)
    damage(folder, DAMAGE[what])
    assert f"bad not what the records say: {what}" in told(folder)
    assert f"ok folded anew: {what}" in told(folder, mend=True)
    assert told(folder) == WELL
    after = contents(folder)
    for table in before:
        assert after[table] == before[table], table


def test_a_past_value_that_is_missing_is_named_and_comes_back(folder: Path) -> None:
    before = contents(folder)
    what = "index of states, of 1 session: s1"
    damage(folder, "UPDATE past_values SET digests = substr(digests, 9) WHERE part = 1")
    assert f"bad not what the records say: {what}" in told(folder)
    assert f"ok folded anew: {what}" in told(folder, mend=True)
    assert told(folder) == WELL
    assert contents(folder)["past_values"] == before["past_values"]


def test_the_command_names_what_differs_and_mends_all_of_it(start: Start, folder: Path) -> None:
    before = contents(folder)

    def doctor(*arguments: str) -> tuple[int, list[str]]:
        ports = {"DATACAT_SERVER_PORT": "1", "DATACAT_WEB_PORT": "2", "DATACAT_SPOOL": str(folder.parent / "spool")}
        program = start("datacat", "doctor", "--json", "--data-path", str(folder), *arguments, **ports)
        code, out, err = program.finish()
        assert err == ""
        return code, [finding["text"] for finding in json.loads(out)["findings"] if finding["about"] == "folds"]

    assert doctor("--recount") == (0, [WELL[0].removeprefix("ok ")])
    with closing(SqliteStore(folder)):
        code, found = doctor("--repair")
        assert (code, len(found)) == (1, 1), "refused, though nothing differs"
        assert "is using it; stop that first" in found[0]
    damage(folder, *DAMAGE.values())
    code, found = doctor("--recount")
    assert code == 1
    assert {f"not what the records say: {what}" for what in DAMAGE} <= {*found}
    assert doctor()[1] == []
    with closing(SqliteStore(folder)):
        code, found = doctor("--repair")
        assert code == 1
        assert "is using it; stop that first" in found[0]
    assert doctor("--repair")[0] == 0
    assert doctor("--recount") == (0, [WELL[0].removeprefix("ok ")])
    assert contents(folder) == before


def test_one_repair_is_enough_where_what_others_are_made_from_is_wrong_too(folder: Path) -> None:
    before = contents(folder)
    damage(
        folder,
        "UPDATE sessions SET event_count = 7, exception_count = 0",
        "UPDATE series SET points = 3 WHERE name = 'fps'",
        *(f"DELETE FROM {table}" for table in ("timelines", "timeline_buckets", "courses", "course_stretches")),
        "DELETE FROM problem_sessions",
    )
    told(folder, mend=True)
    assert told(folder) == WELL
    assert contents(folder) == before


def test_marks_of_problems_outlive_a_repair(folder: Path) -> None:
    damage(folder, "UPDATE problem_sessions SET count = 9")
    told(folder, mend=True)
    with closing(SqliteStore(folder)) as store:
        statuses = [problem.status for problem in store.problems().problems]
    assert statuses.count(ProblemStatus.RESOLVED) == 2


@settings(max_examples=15, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
@given(sessions=SESSIONS)
def test_what_came_in_in_any_order_is_folded_as_its_records_say(sessions: Any) -> None:
    with tempfile.TemporaryDirectory() as name, closing(SqliteStore(Path(name))) as store:
        for number, (header, records, vitals, later, more) in enumerate(sessions):
            ingest(store, f"s{number}", records, **header)
            ingest(store, f"s{number}", vitals, writer="daemon-vitals-1-2", **header)
            ingest(store, f"s{number}", more, **later)
        assert [line for line in told(Path(name)) if not line.startswith("ok what is folded of")] == []
