"""Whatever comes, in whatever order, is deleted or forgotten meanwhile: the counts are those of a slow recount."""

import json
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from importlib.resources import files
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from datacat_server.filters import Filter
from datacat_server.ingest.decode import decode_batches
from datacat_server.model import Status
from datacat_server.store.problems import ProblemFilter, ProblemKind
from datacat_server.store.sqlite import SqliteStore
from datacat_server.store.sqlite.folds.releases import DAY
from hypothesis import given, settings
from hypothesis import strategies as st

START = 1_700_000_000_000_000  # long ago: a time that is ahead of the clock would be set right
TYPES = ("KeyError", "ValueError")
FUNCTIONS = ("load", "draw")
VERSIONS = ("1.0", "1.9", "1.10", "main")
TABLES = {
    "problems": "id, product, kind, cause, type, culprit, frames, words, count, sessions, machines, first, last, new_in"
    ", status",
    "problem_sessions": "session, problem, version, count, first, last, days",
    "problem_versions": "problem, version, count, sessions, first, last",
    "problem_machines": "problem, machine, hostname, count, sessions",
    "problem_days": "problem, day, count",
    "releases": "product, version, sessions, crashed, hung, ended, first, last",
    "release_days": "product, version, day, sessions, crashed, hung, ended",
    "event_counts": "session, name, level, count",
}


def exception(kind: str, function: str) -> dict[str, Any]:
    lines = ["Traceback (most recent call last):", f'  File "/srv/game/main.py", line 3, in {function}', f"{kind}: x"]
    return {"kind": "event", "name": "exception", "exception_type": kind, "exception_msg": "x", "stacktrace": lines}


def hang(function: str) -> dict[str, Any]:
    frames = [{"file": "/srv/game/main.py", "line": 3, "function": function}]
    return {
        "kind": "status",
        "status": "hung",
        "data": {"stacks": [{"thread": "1", "current": True, "frames": frames}]},
    }


def crash(kind: str, **data: str) -> dict[str, Any]:
    return {"kind": "status", "status": "crashed", "data": {"kind": kind} | data}


exceptions = st.builds(exception, st.sampled_from(TYPES), st.sampled_from(FUNCTIONS))
records = st.one_of(
    exceptions,
    exceptions,
    st.builds(hang, st.sampled_from(FUNCTIONS)),
    st.just({"kind": "status", "status": "recovered"}),
    st.sampled_from([crash("exception", exception_type=kind) for kind in TYPES]),
    st.just(crash("signal", signal="SIGSEGV")),
    st.just({"kind": "status", "status": "ended"}),
    st.just({"kind": "event", "name": "moved"}),
)
sends = st.tuples(
    st.sampled_from(["s1", "s2", "s3"]),
    st.fixed_dictionaries(
        {"product": st.sampled_from(["Game", "Game", "Shop"]), "version": st.sampled_from(VERSIONS)},
        optional={"machine_id": st.sampled_from(["m1", "m2"]), "hostname": st.sampled_from(["h1", "h2"])},
    ),
    st.lists(st.tuples(st.integers(0, DAY), records), max_size=4),
)
steps = st.one_of(sends, sends, sends, st.sampled_from(["forget", "delete s1", "delete s2", "expire s3"]))


@dataclass
class Reference:
    """One session in plain words: what it is, what has gone wrong in it, (kind, type, function) and when.

    `logged`: the same without the crash, which `crash` is: its type, and when.
    """

    header: dict[str, Any]
    time: int = START
    logged: list[tuple[tuple[str, str, str], int]] = field(default_factory=list)
    crash: tuple[str | None, int] | None = None
    crashed: bool = False
    hung: bool = False
    ended: bool = False

    @property
    def machine(self) -> str | None:
        return self.header.get("machine_id") or self.header.get("hostname")

    @property
    def wrong(self) -> list[tuple[tuple[str, str, str], int]]:
        """The exception that nothing caught is the newest of its type before the crash, else the first after it."""
        if self.crash is None:
            return self.logged
        kind, time = self.crash
        of_type = [one for one in self.logged if one[0][:2] == ("exception", kind)]
        before, after = [one for one in of_type if one[1] <= time], [one for one in of_type if one[1] > time]
        by = [max(before, key=lambda one: one[1])] if before else sorted(after, key=lambda one: one[1])[:1]
        what = ("crash", kind, by[0][0][2] if by else "") if kind else ("crash", "SIGSEGV", "")
        return [one for one in self.logged if one not in by] + [(what, time)]

    def take(self, record: dict[str, Any], time: int) -> None:
        over = self.crashed or self.ended
        if record["kind"] == "event":
            if "exception_type" in record:
                function = record["stacktrace"][1].rpartition(" ")[2]
                self.logged.append((("exception", record["exception_type"], function), time))
        elif record["status"] == "hung" and not over:
            self.hung = True
            self.logged.append((("hang", "hang", record["data"]["stacks"][0]["frames"][0]["function"]), time))
        elif record["status"] == "crashed" and not self.crashed:
            self.crashed, self.ended = True, False
            self.crash = record["data"].get("exception_type"), time
        elif record["status"] == "ended" and not over:
            self.ended = True


@contextmanager
def stores() -> Iterator[tuple[SqliteStore, Path]]:
    with TemporaryDirectory() as folder, closing(SqliteStore(Path(folder))) as store:
        yield store, Path(folder) / "datacat.sqlite3"


@pytest.fixture(scope="module")
def shared() -> Iterator[SqliteStore]:
    """A store for many scenarios, each with sessions of its own and cleared away at its end."""
    with stores() as (store, _):
        yield store


@contextmanager
def played(store: SqliteStore, scenario: list[Any]) -> Iterator[dict[str, Reference]]:
    run = next(_runs)
    own = [(f"{step[0]}-{run}", *step[1:]) if isinstance(step, tuple) else
           step if step == "forget" else f"{step}-{run}" for step in scenario]  # fmt: skip
    sessions = play(store, own)
    try:
        yield sessions
    finally:
        for name in sessions:
            store.delete(name)
    assert not store.problems().problems, "what no session counts in is gone"
    assert not store.releases().releases


_runs = count()


def body(session: str, header: dict[str, Any], first: int, records: list[dict[str, Any]]) -> bytes:
    lines: list[dict[str, Any]] = [
        {"kind": "session", "id": session, "time": START} | header,
        {"kind": "writer", "writer": "1-0", "first": first, "next": first + len(records)},
        *({"writer": "1-0", "ordinal": ordinal} | record for ordinal, record in enumerate(records, first)),
    ]
    return b"\n".join(json.dumps(line).encode() for line in lines)


def play(store: SqliteStore, scenario: list[Any]) -> dict[str, Reference]:
    """Send all of it to the store, and to the reference, which is the answer."""
    sessions: dict[str, Reference] = {}
    position: Counter[str] = Counter()
    deleted = set()
    for step in scenario:
        match step:
            case "forget":
                store._writer.run(lambda ledger: ledger.forget())
            case str():
                how, name = step.split()
                if sessions.pop(name, None) is not None:
                    if how == "delete":
                        store.delete(name)
                        deleted.add(name)
                    else:
                        store._writer.run(lambda ledger, name=name: ledger.expire([name], 2**60))
                        position[name] = 0
            case (name, header, timed):
                if name in deleted:
                    continue
                session = sessions.setdefault(name, Reference(header))
                session.header |= header
                following = []
                for after, record in timed:
                    session.time += 1 + after
                    session.take(record, session.time)
                    following.append(record | {"time": session.time})
                batches, stray = decode_batches(body(name, header, position[name], following))
                assert not stray
                assert not store.ingest(batches).refused
                position[name] += len(timed)
    return sessions


def recounted(sessions: dict[str, Reference]) -> dict[tuple[str, ...], dict[str, Any]]:
    """Every problem by (product, kind, type, function), counted the slow way."""
    found: dict[tuple[str, ...], list[tuple[Reference, int]]] = defaultdict(list)
    for session in sessions.values():
        for what, time in session.wrong:
            found[session.header["product"], *what].append((session, time))
    return {
        what: {
            "count": len(times),
            "sessions": len({id(session) for session, _ in times}),
            "machines": len({session.machine for session, _ in times} - {None}),
            "first": min(time for _, time in times),
            "last": max(time for _, time in times),
            "versions": dict(Counter(session.header["version"] for session, _ in times)),
            "on_machines": dict(Counter(session.machine for session, _ in times if session.machine)),
            "days": dict(Counter(time // DAY for _, time in times)),
            "new_in": min((time, session.header["version"]) for session, time in times)[1],
        }
        for what, times in found.items()
    }


def told(store: SqliteStore) -> dict[tuple[str, ...], dict[str, Any]]:
    """The same as the store tells it."""
    answers = {}
    for summary in store.problems().problems:
        problem = store.problem(summary.id)
        function = problem.frames[0].function if problem.frames else ""
        answers[problem.product, problem.kind.value, problem.type, function] = {
            "count": problem.count,
            "sessions": problem.sessions,
            "machines": problem.machines,
            "first": round(problem.first_seen.timestamp() * 1_000_000),
            "last": round(problem.last_seen.timestamp() * 1_000_000),
            "versions": {one.version: one.count for one in problem.in_versions},
            "on_machines": {one.machine: one.count for one in problem.on_machines},
            "days": {one.day.toordinal() - 719_163: one.count for one in problem.on_days},
            "new_in": problem.new_in,
        }
        assert problem.versions == len(problem.in_versions)
        assert len(store.problem_sessions(summary.id).sessions) == problem.sessions
    return answers


@given(st.lists(steps, max_size=14))
@settings(max_examples=50)
def test_problems_are_what_a_slow_recount_gives(shared: SqliteStore, scenario: list[Any]) -> None:
    store = shared
    with played(store, scenario) as sessions:
        assert told(store) == recounted(sessions)
        for name, session in sessions.items():
            assert sum(one.count for one in store.session_problems(name)) == len(session.wrong)


@given(st.lists(steps, max_size=14))
@settings(max_examples=40)
def test_releases_are_what_a_slow_recount_gives(shared: SqliteStore, scenario: list[Any]) -> None:
    store = shared
    with played(store, scenario) as sessions:
        counts: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
        for session in sessions.values():
            counts[session.header["product"], session.header["version"]] += Counter(
                sessions=1, crashed=session.crashed, hung=session.hung, ended=session.ended
            )
        found = store.releases().releases
        names = ("sessions", "crashed", "hung", "ended")
        assert {
            (one.product, one.version): +Counter({name: getattr(one, name) for name in names}) for one in found
        } == {release: +count for release, count in counts.items()}
        for one in found:
            active = Filter(product=one.product, version=one.version, status=Status.ACTIVE)
            assert one.running == store.sessions(active).total
            assert one.crash_free == 100 * (one.sessions - one.crashed) / one.sessions
            assert one.hang_free == 100 * (one.sessions - one.hung) / one.sessions
            assert one.new_problems == len(
                [problem for problem in store.problems(ProblemFilter(product=one.product)).problems
                 if problem.new_in == one.version]
            )  # fmt: skip
            [day] = store.release(one.product, one.version).days
            assert (day.sessions, day.crashed, day.hung, day.ended) == (one.sessions, one.crashed, one.hung, one.ended)


def rows(file: Path) -> dict[str, list[Any]]:
    with closing(sqlite3.connect(file)) as db:
        return {table: sorted(db.execute(f"SELECT {columns} FROM {table}")) for table, columns in TABLES.items()}


@given(st.lists(steps, max_size=10))
@settings(max_examples=12)
def test_a_database_from_before_has_its_problems_and_releases_counted_as_if_they_had_come_in_now(
    scenario: list[Any],
) -> None:
    """The records are put into a file of the version before this migration, which is then opened."""
    scripts = {
        int(entry.name[:4]): entry.read_text()
        for entry in (files("datacat_server.store.sqlite.file") / "migrations").iterdir()
        if entry.name.endswith(".sql")
    }
    with stores() as (store, file), TemporaryDirectory() as folder:
        play(store, scenario)
        store.clear()
        old = Path(folder) / "datacat.sqlite3"
        with closing(sqlite3.connect(old)) as db:
            for number in sorted(scripts):
                if number < 6:
                    db.executescript(scripts[number])
            db.execute("PRAGMA user_version = 5")
            db.execute("ATTACH ? AS now", (str(file),))
            for table in (
                "sessions",
                "events",
                "state_changes",
                "snapshots",
                "series",
                "points",
                "verdicts",
                "writers",
            ):
                columns = ", ".join(row[1] for row in db.execute(f"PRAGMA main.table_info({table})"))
                db.execute(f"INSERT INTO main.{table} ({columns}) SELECT {columns} FROM now.{table}")
            db.commit()
        SqliteStore(Path(folder)).close()
        assert rows(old) == rows(file)


def test_an_exception_that_nothing_caught_is_one_crash_and_no_exception_too() -> None:
    with stores() as (store, _):
        uncaught, caught = exception("KeyError", "load"), exception("ValueError", "draw")
        play(store, [("s1", {"product": "Game", "version": "1.0"}, [(1, caught), (1, uncaught)])])
        assert {one.kind for one in store.problems().problems} == {ProblemKind.EXCEPTION}
        play_more = [{"time": START + 9, **crash("exception", exception_type="KeyError")}]
        header = {"product": "Game", "version": "1.0"}
        store.ingest(decode_batches(body("s1", header, 2, play_more))[0])
        kinds = {(one.kind.value, one.type, one.count) for one in store.problems().problems}
        assert kinds == {("crash", "KeyError", 1), ("exception", "ValueError", 1)}
        crashed = store.problem(store.problems(ProblemFilter(kind=ProblemKind.CRASH)).problems[0].id)
        assert crashed.example is not None
        assert crashed.example.lines == uncaught["stacktrace"]


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 2, 0), (2, 1, 0), (0, 2, 1)])
def test_the_order_in_which_a_crash_and_its_exception_come_changes_nothing(
    shared: SqliteStore, order: tuple[int, ...], together: bool
) -> None:
    happened = [
        exception("KeyError", "draw"),
        exception("KeyError", "load"),
        crash("exception", exception_type="KeyError"),
    ]
    sent = [happened[place] | {"time": START + 10 * place} for place in order]
    header = {"product": "Game", "version": "1.0"}
    name = f"s-{next(_runs)}"
    try:
        for first, some in [(0, sent)] if together else list(enumerate([one] for one in sent)):
            shared.ingest(decode_batches(body(name, header, first, some))[0])
        found = {what: (one["count"], one["first"] - START) for what, one in told(shared).items()}
        assert found == {
            ("Game", "crash", "KeyError", "load"): (1, 20),
            ("Game", "exception", "KeyError", "draw"): (1, 0),
        }
    finally:
        shared.delete(name)


def test_what_one_session_can_make_is_bounded() -> None:
    """An application that makes up types cannot fill the store with problems, and still crashes once."""
    with stores() as (store, file):
        many = [(1, exception(f"E{number}", "load")) for number in range(300)]
        header = {"product": "Game", "version": "1.0"}
        play(store, [("s1", header, [*many, (1, crash("signal", signal="SIGSEGV"))])])
        assert len(rows(file)["problems"]) == 201
        assert [one.type for one in store.problems(ProblemFilter(kind=ProblemKind.CRASH)).problems] == ["SIGSEGV"]
