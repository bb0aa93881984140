"""Every record reaches the store one time, however often and in whatever overlap it is sent."""

import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from datacat_server.ingest.decode import decode_batches
from datacat_server.ingest.result import IngestResult
from datacat_server.store.sqlite import SqliteStore
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

Send = Callable[..., IngestResult]


def events(count: int, start: int = 0) -> list[dict[str, Any]]:
    return [{"kind": "event", "name": f"e{number}"} for number in range(start, start + count)]


def names(store: SqliteStore, session: str = "s1") -> list[str]:
    found = store.session(session, {"events"}).events
    assert isinstance(found, list)
    return [event.name for event in found]


def test_a_batch_that_is_sent_twice_is_applied_once(store: SqliteStore, send: Send) -> None:
    records = [*events(3), {"kind": "metric", "name": "kills", "type": "counter", "delta": 2}, {"kind": "event"}]
    first, second = send("s1", "1-0", 0, records), send("s1", "1-0", 0, records)
    assert first.sessions["s1"].writers == second.sessions["s1"].writers == {"1-0": 5}
    # The answer to the first may have been lost on its way, so the refusal is told again; it is kept once.
    assert first.refused == second.refused
    session = store.session("s1")
    assert names(store) == ["e0", "e1", "e2"]
    assert [metric.value for metric in session.metrics or []] == [2]
    assert (session.refused_count, len(session.refused or [])) == (1, 1)


def test_an_overlap_is_not_applied_and_the_answer_says_where_to_go_on(store: SqliteStore, send: Send) -> None:
    send("s1", "1-0", 0, events(3))
    assert send("s1", "1-0", 2, events(3, 2)).sessions["s1"].writers == {"1-0": 3}
    assert names(store) == ["e0", "e1", "e2"]
    assert send("s1", "1-0", 3, events(2, 3)).sessions["s1"].writers == {"1-0": 5}
    assert names(store) == ["e0", "e1", "e2", "e3", "e4"]


def test_a_gap_is_not_applied_unless_its_records_are_lost_for_good(store: SqliteStore, send: Send) -> None:
    send("s1", "1-0", 0, events(1))
    assert send("s1", "1-0", 5, events(1, 5)).sessions["s1"].writers == {"1-0": 1}
    assert store.session("s1").lost_count == 0
    assert send("s1", "1-0", 5, events(1, 5), lost=True).sessions["s1"].writers == {"1-0": 6}
    assert store.session("s1").lost_count == 4
    assert send("s1", "1-0", 5, events(1, 5), lost=True).sessions["s1"].writers == {"1-0": 6}
    assert names(store) == ["e0", "e5"]
    assert store.session("s1").lost_count == 4


def test_writers_of_one_session_do_not_get_in_each_others_way(store: SqliteStore, send: Send) -> None:
    send("s1", "1-0", 0, events(2))
    send("s1", "1-1", 0, events(1, 7))
    send("s2", "1-0", 0, events(1, 9))
    assert sorted(names(store)) == ["e0", "e1", "e7"]
    assert names(store, "s2") == ["e9"]


def test_where_one_range_does_not_fit_nothing_is_taken_and_so_no_end_comes_before_its_records(
    store: SqliteStore, send: Send
) -> None:
    send("s1", "1-0", 0, events(3))
    body = b"""{"kind":"session","id":"s1","product":"P","version":"1","time":1795298400000000}
{"kind":"writer","writer":"1-0","first":2,"next":5}
{"kind":"writer","writer":"daemon-1-0","first":0,"next":1}
{"kind":"event","writer":"1-0","ordinal":2,"time":1795298400000002,"name":"e2"}
{"kind":"event","writer":"1-0","ordinal":3,"time":1795298400000003,"name":"e3"}
{"kind":"event","writer":"1-0","ordinal":4,"time":1795298400000004,"name":"e4"}
{"kind":"status","writer":"daemon-1-0","ordinal":0,"time":1795298400000005,"status":"ended","reason":"done"}
"""
    answer = store.ingest(decode_batches(body)[0])
    assert answer.sessions["s1"].writers == {"1-0": 3, "daemon-1-0": 0}
    assert names(store) == ["e0", "e1", "e2"]
    assert store.session("s1").active
    fitting = b"\n".join(line for line in body.split(b"\n") if b'"name":"e2"' not in line)
    answer = store.ingest(decode_batches(fitting.replace(b'"first":2', b'"first":3'))[0])
    assert answer.sessions["s1"].writers == {"1-0": 5, "daemon-1-0": 1}
    assert store.session("s1").status == "ended"


def test_positions_outlive_the_server(tmp_path: Path, make_body: Callable[..., bytes]) -> None:
    for first in (0, 0, 2, 2):
        store = SqliteStore(tmp_path)
        batches, _ = decode_batches(make_body("s1", "1-0", first, events(2, first)))
        store.ingest(batches)
        store.close()
    store = SqliteStore(tmp_path)
    assert names(store) == ["e0", "e1", "e2", "e3"]
    store.close()


@pytest.mark.parametrize("stores", [1, 2])
def test_the_same_batches_over_many_connections_at_once(
    tmp_path: Path, make_body: Callable[..., bytes], stores: int
) -> None:
    """Also by two stores over one folder, as two server processes have."""
    opened = [SqliteStore(tmp_path) for _ in range(stores)]
    bodies = [
        make_body(f"s{session}", "1-0", first, [*events(5, first), {"kind": "metric", "name": "n", "type": "counter",
                                                                    "delta": 1}])
        for first in range(0, 60, 6)
        for session in range(2)
    ]  # fmt: skip

    def deliver(store: SqliteStore) -> None:
        for body in bodies:
            store.ingest(decode_batches(body)[0])

    threads = [threading.Thread(target=deliver, args=(opened[number % stores],)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for session in ("s0", "s1"):
        whole = opened[0].session(session)
        assert [event.name for event in whole.events or []] == [f"e{n}" for n in range(60) if n % 6 != 5]
        assert [metric.value for metric in whole.metrics or []] == list(range(1, 11))
        assert (whole.event_count, whole.metric_count) == (50, 10)
    for store in opened:
        store.close()


ranges = st.tuples(st.integers(0, 1), st.integers(0, 12), st.integers(0, 6), st.booleans())


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(ranges, max_size=14), st.integers(0, 13))
def test_any_resending_ends_in_each_record_once(
    make_body: Callable[..., bytes], sends: list[tuple[int, int, int, bool]], reopen: int
) -> None:
    position = [0, 0]
    expected: set[str] = set()
    with tempfile.TemporaryDirectory() as folder:
        store = SqliteStore(Path(folder))
        for number, (writer, first, count, lost) in enumerate(sends):
            if number == reopen:
                store.close()
                store = SqliteStore(Path(folder))
            records = [{"kind": "event", "name": f"{writer}.{ordinal}"} for ordinal in range(first, first + count)]
            body = make_body("s1", f"1-{writer}", first, records, lost=lost)
            answer = store.ingest(decode_batches(body)[0])
            if first == position[writer] or (lost and first > position[writer]):
                position[writer] = first + count
                expected |= {record["name"] for record in records}
            assert answer.sessions["s1"].writers == {f"1-{writer}": position[writer]}
        if sends:
            found = names(store)
            assert len(found) == len(expected)
            assert set(found) == expected
        store.close()
