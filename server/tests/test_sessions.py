"""What a session is: its verdicts, its state through time, its metrics; and how sessions are listed and removed."""

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from datacat_server.filters import Filter
from datacat_server.ingest import decode
from datacat_server.ingest.decode import decode_batches
from datacat_server.ingest.merge import merge
from datacat_server.ingest.result import IngestResult
from datacat_server.model import Bucket, Status, encode
from datacat_server.store.protocol import UnknownSession
from datacat_server.store.sqlite import SqliteStore
from datacat_server.store.sqlite.folds import states
from datacat_server.store.sqlite.writing import application
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

Send = Callable[..., IngestResult]
START = datetime(2026, 11, 21, 22, tzinfo=UTC)


def status(word: str, **fields: Any) -> dict[str, Any]:
    return {"kind": "status", "status": word} | fields


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        ([], (Status.ACTIVE, True, False, False, False)),
        (["ended"], (Status.ENDED, False, False, False, False)),
        (["crashed"], (Status.CRASHED, False, False, True, False)),
        (["hung"], (Status.HUNG, True, False, False, True)),
        (["hung", "recovered"], (Status.ACTIVE, True, False, False, False)),
        (["hung", "crashed"], (Status.CRASHED, False, False, True, True)),
        (["hung", "ended"], (Status.ENDED, False, False, False, True)),
        (["hung", "recovered", "ended"], (Status.ENDED, False, False, False, False)),
        (["suspended"], (Status.SUSPENDED, False, True, False, False)),
        (["suspended", "resumed"], (Status.ACTIVE, True, False, False, False)),
        (["suspended", "crashed"], (Status.CRASHED, False, False, True, False)),
        (["ended", "crashed"], (Status.CRASHED, False, False, True, False)),
        (["crashed", "ended"], (Status.CRASHED, False, False, True, False)),
        (["ended", "hung"], (Status.ENDED, False, False, False, False)),
    ],
)
def test_verdicts_make_the_status(store: SqliteStore, send: Send, verdicts: list[str], expected: Any) -> None:
    send("s1", "daemon-1-x", 0, [status(word) for word in verdicts])
    session = store.session("s1")
    assert (session.status, session.active, session.suspended, session.crashed, session.hung) == expected
    assert session.ever_hung == (verdicts[:1] == ["hung"])
    assert [verdict.status for verdict in session.verdicts] == verdicts
    assert (session.ended_at is None) == (not {"ended", "crashed"} & set(verdicts))


def test_a_verdict_is_told_by_an_event_with_its_reason_and_evidence(store: SqliteStore, send: Send) -> None:
    evidence = {"kind": "signal", "signal": "SIGSEGV", "stacks": [{"thread": "0x1", "frames": []}]}
    send(
        "s1",
        "daemon-1-x",
        0,
        [
            status("hung", reason="No heartbeat for 2 s", data={"timeout_seconds": 2}),
            status("recovered"),
            status("crashed", reason="Killed by SIGSEGV", data=evidence),
        ],
    )
    session = store.session("s1")
    assert [(event.name, event.level, event.message) for event in session.events or []] == [
        ("application_appears_hung", "error", "No heartbeat for 2 s"),
        ("application_recovered", "info", "the heartbeat is back"),
        ("session_crashed_detected", "critical", "Killed by SIGSEGV"),
    ]
    assert json.loads(bytes((session.events or [])[2].data)) == evidence
    assert session.verdicts[2].data == evidence
    assert session.reason == "Killed by SIGSEGV"


def test_a_session_line_brings_the_session_up_to_date(store: SqliteStore, send: Send) -> None:
    micros = int(START.timestamp()) * 1_000_000
    send("s1", machine_id="m1", hostname="bluebird", pid=4711, facts={"python": "3.11"}, dropped=2)
    send("s1", last_heartbeat=micros + 5_000_000, dropped=1, version="1.1")
    session = store.session("s1")
    assert (session.machine_id, session.hostname, session.pid, session.version) == ("m1", "bluebird", 4711, "1.1")
    assert session.facts == {"python": "3.11"}
    assert session.dropped_count == 2
    assert session.last_heartbeat == session.updated_at == START + timedelta(seconds=5)


def test_the_state_starts_with_product_and_version_and_keeps_its_history(store: SqliteStore, send: Send) -> None:
    patches = [{"level": 1, "window": {"open": ["a", "b"]}}, {"level": 1}, {"window": {"open": ["c"]}, "level": None}]
    send("s1", "1-0", 0, [{"kind": "state", "state": patch} for patch in patches])
    session = store.session("s1")
    start = {"product": "Game", "version": "1.0"}
    assert [change.state for change in session.state_history or []] == [
        start,
        start | {"level": 1, "window": {"open": ["a", "b"]}},
        start | {"window": {"open": ["c"]}},
    ]
    assert session.state == start | {"window": {"open": ["c"]}}
    assert store.states("s1", at=START + timedelta(microseconds=1), limit=1)[0].state["level"] == 1


small = st.dictionaries(st.sampled_from("abc"), st.none() | st.integers(0, 9) | st.text(max_size=40), max_size=3)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(small, min_size=1, max_size=60))
def test_every_state_of_the_past_can_be_rebuilt(store: SqliteStore, send: Send, patches: list[dict[str, Any]]) -> None:
    name = str(uuid4())
    expected = [{"product": "Game", "version": "1.0"}]
    for first in range(0, len(patches), 7):
        part = patches[first : first + 7]
        send(name, "1-0", first, [{"kind": "state", "state": patch} for patch in part])
    for patch in patches:
        merged = merge(expected[-1], patch)
        if merged != expected[-1]:
            expected.append(merged)
    session = store.session(name, {"state_history"})
    assert [change.state for change in session.state_history or []] == expected
    assert [change.state for change in store.states(name, limit=1000)] == expected[::-1]
    assert session.state == expected[-1]


def test_long_states_get_snapshots_and_reopen_as_they_were(
    store: SqliteStore, send: Send, make_body: Callable[..., bytes], tmp_path: Path
) -> None:
    patches = [{"kind": "state", "state": {"n": n, f"k{n % 50}": "x" * 100}} for n in range(300)]
    send("s1", "1-0", 0, patches[:200])
    with closing(sqlite3.connect(tmp_path / "data" / "datacat.sqlite3")) as db:
        assert 5 < db.execute("SELECT count(*) FROM snapshots").fetchone()[0] < 60
    # Another store does not have the session in memory, and goes on from what is in the tables; so does the first then.
    other = SqliteStore(tmp_path / "data")
    other.ingest(decode_batches(make_body("s1", "1-0", 200, patches[200:250]))[0])
    other.close()
    send("s1", "1-0", 250, patches[250:])
    assert [change.state["n"] for change in store.states("s1", limit=300)] == list(range(299, -1, -1))
    state = store.session("s1", ()).state
    assert state == {"product": "Game", "version": "1.0", "n": 299} | {f"k{n}": "x" * 100 for n in range(50)}


def test_a_state_that_grows_without_end_is_refused(
    store: SqliteStore, send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(states, "LARGEST_STATE", 10_000)
    answer = send("s1", "1-0", 0, [{"kind": "state", "state": {f"k{n}": "x" * 1000}} for n in range(20)])
    assert {refused.details for refused in answer.refused} == {"state: would grow larger than 0 MB"}
    session = store.session("s1")
    assert len(encode(session.state)) <= 20_000
    assert session.refused_count == len(answer.refused) == len(session.refused or [])
    assert not send("s1", "1-0", 20, [{"kind": "state", "state": {"k0": None}}]).refused


def test_refusals_that_are_not_named_count_once(
    store: SqliteStore, send: Send, make_body: Callable[..., bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decode, "MOST_REFUSALS", 2)
    body = make_body("s1", "1-0", 0, [{"kind": "event", "name": ""}] * 9)
    assert len(send(body=body).refused) == 3
    assert len(send(body=body).refused) == 3
    session = store.session("s1")
    assert (session.refused_count, len(session.refused or [])) == (9, 2)


def test_counters_run_up_in_each_tag_set_whatever_the_order_of_the_tags(store: SqliteStore, send: Send) -> None:
    def kill(**fields: Any) -> dict[str, Any]:
        return {"kind": "metric", "name": "kills", "type": "counter"} | fields

    send("s1", "1-0", 0, [kill(delta=2, tags=["a", "b"]), kill(delta=1), kill(delta=3, tags=["b", "a"])])
    send("s1", "1-0", 3, [kill(value=100, tags=["a", "b"]), kill(delta=1, tags=["a", "b"])])
    metrics = store.session("s1").metrics or []
    assert [(metric.value, metric.tags) for metric in metrics] == [
        (2, ["a", "b"]),
        (1, []),
        (5, ["a", "b"]),
        (100, ["a", "b"]),
        (101, ["a", "b"]),
    ]


def test_a_histogram_is_one_reading_with_all_its_samples(store: SqliteStore, send: Send) -> None:
    def sample(value: float, **fields: Any) -> dict[str, Any]:
        return {"kind": "metric", "name": "t", "type": "histogram", "value": value, "unit": "s"} | fields

    send("s1", "1-0", 0, [sample(0.001), sample(0.0011), sample(61), sample(5, buckets=[5, 10])])
    send("s1", "1-0", 4, [sample(0.5, metadata={"gpu": 1})])
    usual, own = sorted(store.session("s1").metrics or [], key=lambda metric: len(metric.buckets or []), reverse=True)
    assert (usual.count, usual.sum, usual.value, usual.unit) == (4, 61.5021, 61.5021 / 4, "s")
    buckets = {bucket.le: bucket.count for bucket in usual.buckets or []}
    assert {bound: count for bound, count in buckets.items() if count} == {0.001: 1, 0.0025: 1, 0.5: 1, None: 1}
    assert len(buckets) == 16
    assert bytes(usual.metadata or b"") == b'{"gpu": 1}'  # type: ignore[arg-type]
    assert own.buckets == [Bucket(5, 1), Bucket(10, 0), Bucket(None, 0)]
    [course] = [series for series in store.series("s1") if len(series.buckets) == 16]
    assert course.values == [pytest.approx(61.0021 / 3), 0.5]
    assert (course.count, course.maximum) == (4, 61)


def test_gauges_and_timers_are_readings_and_what_daemons_sample_are_vitals(store: SqliteStore, send: Send) -> None:
    send("s1", "1-0", 0, [{"kind": "metric", "name": "fps", "value": 60}])
    send("s1", "1-0", 1, [{"kind": "metric", "name": "load", "type": "timer", "value": 2, "count": 4,
                           "unit": "seconds", "metadata": {"cold": True}}])  # fmt: skip
    send("s1", "daemon-7-a", 0, [{"kind": "metric", "name": "cpu", "value": 12.5, "unit": "%"}])
    session = store.session("s1")
    fps, load = session.metrics or []
    assert (fps.type, fps.value, fps.unit) == ("gauge", 60, None)
    assert (load.type, load.value, load.count, load.unit) == ("timer", 2, 4, "seconds")
    assert msgspec.json.decode(encode(load))["metadata"] == {"cold": True}
    assert [metric.name for metric in session.vitals or []] == ["cpu"]
    assert session.metric_count == 2


def test_events_come_by_time_then_by_arrival(store: SqliteStore, send: Send) -> None:
    send("s1", "1-0", 0, [{"kind": "event", "name": name, "time": 5_000_000} for name in "bc"])
    send("s1", "1-1", 0, [{"kind": "event", "name": "a", "time": 4_000_000}])
    send("s1", "1-0", 2, [{"kind": "event", "name": "d", "time": 5_000_000}])
    assert [event.name for event in store.session("s1").events or []] == ["a", "b", "c", "d"]


def test_an_exception_keeps_all_that_was_said_of_it(store: SqliteStore, send: Send) -> None:
    said = {
        "exception_type": "KeyError",
        "exception_msg": "'x'",
        "stacktrace": ["Traceback", "KeyError: 'x'"],
        "source_file": "game.py",
        "source_line": 7,
        "source_function": "load",
    }
    send("s1", "1-0", 0, [{"kind": "event", "name": "exception", "labels": ["a"], "group": "g"} | said])
    session = store.session("s1")
    [event] = msgspec.json.decode(encode(session.events))
    assert {name: event[name] for name in said} == said
    assert (event["level"], event["labels"], event["group"], event["data"]) == ("error", ["a"], "g", {})
    assert session.exception_count == 1
    assert "exception_type" not in msgspec.json.decode(encode(store.session("s1", ())))


def test_pages_hold_each_session_once_newest_first(store: SqliteStore, send: Send) -> None:
    for number in range(7):
        time = int(START.timestamp()) * 1_000_000 + number // 3
        send(f"s{number}", "d", 0, [status("crashed")] * (number % 2), time=time, product="AB"[number % 2])
    found: list[str] = []
    cursor = None
    while True:
        page = store.sessions(limit=2, cursor=cursor)
        assert page.total == 7
        found += [session.id for session in page.sessions]
        cursor = page.cursor
        if cursor is None:
            break
    assert found == ["s6", "s5", "s4", "s3", "s2", "s1", "s0"]
    crashed = store.sessions(Filter(product="B", status="crashed"))
    assert [session.id for session in crashed.sessions] == ["s5", "s3", "s1"]
    whole = [json.loads(b"".join(pieces)) for pieces in store.every_session()]
    assert [session["id"] for session in whole] == found
    for bad in ("x", "1", "1-", "-1", "1-x", "¹-1"):
        with pytest.raises(ValueError, match="cursor"):
            store.sessions(cursor=bad)
    with pytest.raises(ValueError, match="status"):
        store.sessions(Filter(status="bored"))


def everything() -> list[dict[str, Any]]:
    return [
        {"kind": "event", "name": "x"},
        {"kind": "state", "state": {"a": 1}},
        {"kind": "metric", "name": "m", "value": 1},
        status("hung"),
        {"kind": "event", "name": 3},
    ]


def test_a_deleted_session_leaves_nothing(store: SqliteStore, send: Send, tmp_path: Path) -> None:
    send("s1", "1-0", 0, everything())
    send("s2", "1-0", 0, everything())
    store.delete("s1")
    store.delete("s2")
    with closing(sqlite3.connect(tmp_path / "data" / "datacat.sqlite3")) as db:
        tables = [row[0] for row in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        assert len(tables) >= 9
        # The index of texts has rows that tell of itself, and a number of an alert is never used again.
        tables = [table for table in tables if not table.startswith(("session_search_", "sqlite_sequence"))]
        left = {table: db.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables}
        assert left == dict.fromkeys(tables, 0) | {"deleted": 2}
    for call in (store.session, store.delete, store.event_page, store.series, store.states):
        with pytest.raises(UnknownSession):
            call("s1")


def test_what_a_daemon_still_sends_of_a_deleted_session_is_settled_and_dropped(store: SqliteStore, send: Send) -> None:
    send("s1", "1-0", 0, everything())
    store.delete("s1")
    answer = send("s1", "1-0", 5, everything())
    assert (answer.sessions["s1"].writers, answer.refused) == ({"1-0": 10}, [])
    assert store.sessions().total == 0
    # It is remembered for as long as anything is kept.
    store.prune(datetime.now(UTC) - timedelta(days=1))
    send("s1", "1-0", 10, everything())
    assert store.sessions().total == 0
    store.prune(datetime.now(UTC))
    send("s1", "1-0", 10, everything())
    assert store.sessions().total == 1


def test_a_late_guess_does_not_undo_an_end(store: SqliteStore, send: Send) -> None:
    send("s1", "daemon-1-x", 0, [status("ended"), status("crashed", data={"kind": "unknown"})])
    session = store.session("s1")
    assert (session.status, session.crashed, session.events) == (Status.ENDED, False, [])
    assert len(session.verdicts) == 2


def test_silence_suspends_and_a_sign_of_life_resumes(store: SqliteStore, send: Send) -> None:
    send("quiet", "daemon-1-x", 0, [status("hung")])
    send("over", "daemon-1-x", 0, [status("ended")])
    assert store.suspend_silent(datetime.now(UTC) - timedelta(minutes=1)) == 0
    assert store.suspend_silent(datetime.now(UTC)) == 1
    assert store.suspend_silent(datetime.now(UTC)) == 0
    session = store.session("quiet")
    assert (session.suspended, session.hung, session.active, session.crashed) == (True, True, False, False)
    assert store.session("over").status == Status.ENDED
    send("quiet")
    session = store.session("quiet")
    assert (session.suspended, session.status, session.active) == (False, Status.HUNG, True)


def test_prune_spares_a_session_that_speaks_up_meanwhile(store: SqliteStore, send: Send) -> None:
    send("s1")
    before = int(datetime.now(UTC).timestamp() * 1_000_000)
    send("s1")
    assert store._writer.run(lambda ledger: ledger.expire(["s1"], before)) == 0
    assert store.sessions().total == 1


def test_a_reading_that_no_number_can_hold_is_refused_alone(store: SqliteStore, send: Send) -> None:
    huge = {"kind": "metric", "name": "n", "type": "counter", "delta": 1.7e308}
    answer = send("s1", "1-0", 0, [huge, huge, {"kind": "event", "name": "x"}])
    assert [(refused.ordinal, refused.details.split(":")[0]) for refused in answer.refused] == [(1, "delta")]
    session = store.session("s1")
    assert ([metric.value for metric in session.metrics or []], session.event_count) == ([1.7e308], 1)


def test_an_ordinal_that_is_no_number_of_ours_is_refused_alone(store: SqliteStore, send: Send) -> None:
    answer = send("s1", "1-0", 0, [{"kind": "event", "name": "x", "ordinal": 10**30}, {"kind": "event", "name": "y"}])
    assert [refused.details for refused in answer.refused] == ["ordinal: expected one from 0 to 1, rising"]
    assert [event.name for event in store.session("s1").events or []] == ["y"]


def test_a_record_that_the_engine_does_not_take_is_refused_alone(store: SqliteStore, send: Send) -> None:
    rule = "CREATE TRIGGER rule BEFORE INSERT ON events WHEN new.name = 'odd' BEGIN SELECT RAISE(ABORT, 'no'); END"
    store._writer.run(lambda ledger: ledger._db.execute(rule))
    counter = {"kind": "metric", "name": "n", "type": "counter", "delta": 1}
    for first in (0, 3):
        answer = send("s1", "1-0", first, [counter, {"kind": "event", "name": "odd"}, counter])
        assert answer.sessions["s1"].writers == {"1-0": first + 3}
        assert [refused.ordinal for refused in answer.refused] == [first + 1]
    session = store.session("s1")
    assert [metric.value for metric in session.metrics or []] == [1, 2, 3, 4]
    assert (session.refused_count, session.event_count, len(session.refused or [])) == (2, 0, 2)


def test_writers_beyond_the_limit_are_answered_as_settled(
    store: SqliteStore, send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(application, "MOST_WRITERS", 1)
    send("s1", "1-0", 0, everything())
    answer = send("s1", "2-0", 0, everything()[:1])
    assert answer.sessions["s1"].writers == {"2-0": 1}
    assert [refused.details[:8] for refused in answer.refused] == ["writer: "]


def test_sessions_past_their_retention_are_removed(store: SqliteStore, send: Send) -> None:
    send("old", "1-0", 0, everything())
    before = datetime.now(UTC)
    # What counts is when it came: the clock of a machine may stand at 1970.
    send("new", "1-0", 0, [{"kind": "event", "name": "x", "time": 1}], time=1)
    assert store.prune(before) == 1
    assert [session.id for session in store.sessions().sessions] == ["new"]
    assert store.prune(before) == 0


def test_every_process_that_logged_is_named_the_main_one_first(store: SqliteStore, send: Send) -> None:
    event = {"kind": "event", "name": "e"}
    send("s1", "20-aa-0", 0, [event] * 3, pid=10)
    send("s1", "10-bb-0", 0, [event])
    send("s1", "20-aa-1", 0, [event])
    send("s1", "daemon-30-x", 0, [status("ended")])
    processes = store.session("s1").processes
    assert [(process.pid, process.records) for process in processes] == [(10, 1), (20, 4)]
