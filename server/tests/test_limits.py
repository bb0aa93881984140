"""What is too much is refused with a clear error and by itself, and the server's memory stays within bounds."""

import gzip
import http.client
import json
import signal
import tracemalloc
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
import zstandard
from datacat_server.ingest.decode import LARGEST_BODY
from datacat_server.ingest.lines import LARGEST_RECORD
from datacat_server.ingest.result import IngestResult
from datacat_server.ingest.unpack import LARGEST_UNPACKED
from datacat_server.store.sqlite import SqliteStore
from datacat_server.store.sqlite.folds import metrics
from datacat_server.store.sqlite.folds.states import StateLog, advance
from datacat_server.store.sqlite.writing import remembered
from datacat_server.store.sqlite.writing.live import load
from litestar.testing import TestClient

Send = Callable[..., IngestResult]
Start = Callable[..., Any]
RESIDENT_MB = 200


@pytest.fixture
def preloaded() -> bool:
    return False  # memory is looked at


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


DEEP = [
    ("data", {"kind": "event", "name": "x", "data": {"a": nested(63)}}),
    ("metadata", {"kind": "metric", "name": "x", "value": 1, "metadata": {"a": nested(63)}}),
    ("state", {"kind": "state", "state": {"a": nested(63)}}),
    ("data", {"kind": "status", "status": "hung", "reason": "{[", "data": {"a": nested(63)}}),
]


@pytest.mark.parametrize(("field", "record"), DEEP)
def test_a_record_that_is_nested_too_deep_is_refused_alone_with_its_field(
    send: Send, store: SqliteStore, field: str, record: dict[str, Any]
) -> None:
    result = send("s1", "1-0", 0, [{"kind": "event", "name": "before"}, record, {"kind": "event", "name": "after"}])
    assert [refusal.details for refusal in result.refused] == [f"{field}: nested deeper than 64 levels"]
    events = store.session("s1").events
    assert [event.name for event in events or []] == ["before", "after"]


def test_64_levels_are_taken_whatever_stands_in_texts(send: Send, store: SqliteStore) -> None:
    """The record's own object is one level, its field's another."""
    record = {"kind": "event", "name": "x", "message": "[{" * 500, "data": {"a": nested(62)}}
    assert send("s1", "1-0", 0, [record, {"kind": "state", "state": {"a": nested(62)}}]).refused == []
    assert store.session("s1").state["a"] == nested(62)


def test_facts_that_are_nested_too_deep_are_named(send: Send) -> None:
    result = send("s1", "1-0", 0, [], facts={"a": nested(64)})
    assert next(refusal.details for refusal in result.refused) == "facts: nested deeper than 64 levels"


def test_a_call_that_is_nested_too_deep_is_refused_with_its_field(api: TestClient) -> None:
    api.post("/api/sessions", json={"product": "P", "id": "s1"})
    answer = api.post("/api/sessions/s1/events", json={"name": "x", "data": {"a": nested(63)}})
    assert (answer.status_code, answer.json()["details"]) == (400, "data: nested deeper than 64 levels")


def test_a_series_beyond_the_last_is_refused_and_those_that_are_there_go_on(
    send: Send, store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert metrics.MOST_SERIES == 10_000
    records = [{"kind": "metric", "name": f"m{number}", "value": 1} for number in range(10_001)]
    result = send("s1", "1-0", 0, records)
    assert [(refusal.ordinal, refusal.details) for refusal in result.refused] == [
        (10_000, "name: the session has 10,000 series already; use fewer names, tags or buckets")
    ]
    assert send("s1", "1-0", 10_001, [records[0], records[9_999], {"kind": "event", "name": "x"}]).refused == []
    session = store.session("s1", ())
    assert (session.metric_count, session.event_count, session.refused_count) == (10_002, 1, 1)


def test_a_record_of_more_than_1_mb_is_refused_alone(send: Send, store: SqliteStore) -> None:
    fitting = {"kind": "event", "name": "x", "message": "m" * (LARGEST_RECORD - 200)}
    result = send("s1", "1-0", 0, [fitting, fitting | {"message": "m" * LARGEST_RECORD}, fitting])
    assert [(refusal.ordinal, refusal.error) for refusal in result.refused] == [(1, "too_large")]
    assert result.refused[0].details == "record: larger than 1 MB"
    assert store.session("s1", ()).event_count == 2


def status(file: Path, name: str) -> float:
    """A line of /proc/PID/status, in MB."""
    found = next(line for line in file.read_text().splitlines() if line.startswith(name))
    return int(found.split()[1]) / 1024


@contextmanager
def running(start: Start) -> Iterator[tuple[str, Path]]:
    """A server's address, and where the system tells of its process."""
    server = start("datacat-server", "--port", "0")
    address = server.addresses()[0]
    yield address, Path(f"/proc/{server.process.pid}/status")
    assert server.finish(signal.SIGTERM)[0] == 0


def post(url: str, body: bytes, encoding: str | None = None) -> tuple[int, dict[str, Any]]:
    headers = {"Content-Type": "application/x-ndjson"} | ({"Content-Encoding": encoding} if encoding else {})
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=60) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


needs_proc = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="asks /proc how much memory there is")


@needs_proc
def test_bombs_are_stopped_while_they_unpack_and_a_server_that_gets_many_stays_small(start: Start) -> None:
    content = bytes(LARGEST_UNPACKED * 4)
    bombs = [("gzip", gzip.compress(content, 1)), ("zstd", zstandard.ZstdCompressor(level=1).compress(content))]
    del content
    with running(start) as (address, proc), ThreadPoolExecutor(6) as senders:
        answers = list(senders.map(lambda bomb: post(f"{address}/api/ingest", bomb[1], bomb[0]), bombs * 3))
        assert {code for code, _ in answers} == {413}
        assert {answer["error"] for _, answer in answers} == {"too_large"}
        assert all("unpacks to more than 64 MB" in answer["details"] for _, answer in answers)
        assert status(proc, "VmHWM") < RESIDENT_MB


def test_a_body_beyond_the_limit_is_refused_before_it_is_read_and_one_within_is_taken(
    start: Start, make_body: Callable[..., bytes]
) -> None:
    events = [{"kind": "event", "name": "x", "message": "m" * 900_000}] * 17
    with running(start) as (address, _):
        with closing(http.client.HTTPConnection(address.removeprefix("http://"), timeout=60)) as connection:
            connection.putrequest("POST", "/api/ingest")
            connection.putheader("Content-Length", str(LARGEST_BODY + 1))
            connection.endheaders()
            answer = connection.getresponse()
            assert (answer.status, json.load(answer)["error"]) == (413, "too_large")
        assert post(f"{address}/api/ingest", make_body("s1", "1-0", 0, events))[0] == 200


def test_what_is_forgotten_for_its_weight_goes_on_where_it_was(
    send: Send, store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remembered, "MOST_WEIGHT", 50_000)
    sessions = [f"s{number}" for number in range(8)]
    for turn in range(3):
        for session in sessions:
            records: list[dict[str, Any]] = [
                {"kind": "metric", "type": "counter", "name": f"c{n}", "delta": 1} for n in range(20)
            ]
            records.append({"kind": "state", "state": {f"k{turn}": session}})
            send(session, "1-0", turn * 21, records)
            kept = store._writer._ledger._sessions
            assert 1 <= len(kept) <= 3
            assert sum(found.weight for name in sessions if (found := kept.get(name))) <= 50_000
    for session in sessions:
        whole = store.session(session)
        assert whole.state.items() >= {f"k{turn}": session for turn in range(3)}.items()
        assert sorted(metric.value for metric in whole.metrics or []) == sorted([1.0, 2.0, 3.0] * 20)


def test_a_session_that_weighs_more_than_all_may_works_and_is_the_only_one_remembered(
    send: Send, store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remembered, "MOST_WEIGHT", 10_000)
    send("small", "1-0", 0, [{"kind": "event", "name": "x"}])
    for turn in range(2):
        send("large", "1-0", turn * 50, [{"kind": "metric", "name": f"m{n}", "value": turn} for n in range(50)])
        assert len(store._writer._ledger._sessions) == 1
    assert store.session("large", ()).metric_count == 100
    assert send("small", "1-0", 1, [{"kind": "event", "name": "y"}]).sessions["small"].writers == {"1-0": 2}


def of_objects() -> dict[str, Any]:
    return {f"player{n}": {"name": f"p{n}", "at": [n * 1.5, n * 2.5], "hp": n} for n in range(4_000)}


STATES = [
    {f"key{n}": n * 1.5 for n in range(10_000)},
    {"lists": [[] for _ in range(20_000)]},
    {"objects": [{} for _ in range(20_000)]},
    {"words": [f"word{n}" for n in range(20_000)]},
    {f"text{n}": "x" * 10_000 for n in range(50)},
    of_objects(),
]


@pytest.mark.parametrize("state", STATES, ids=["numbers", "lists", "objects", "words", "texts", "players"])
def test_a_states_weight_is_what_it_takes_in_memory_or_more(state: dict[str, Any]) -> None:
    """Within a quarter below, and not so far above that half of the memory lies idle for what is usual."""
    patch = json.dumps(state)
    log = StateLog()
    advance(log, json.loads(patch))
    tracemalloc.start()
    try:
        kept = msgspec.json.decode(patch)
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept
    assert taken * 0.75 < log.weight < taken * 5


@pytest.mark.parametrize("bounds", [0, 15, 200])
def test_a_series_weight_is_what_it_takes_in_memory(send: Send, store: SqliteStore, bounds: int) -> None:
    records = [
        {"kind": "metric", "name": f"requests_{n}", "value": n, "tags": [f"route:{n}"]}
        | ({"type": "histogram", "buckets": [n + step for step in range(bounds)]} if bounds else {})
        for n in range(500)
    ]
    send("s1", "1-0", 0, records)
    ledger = store._writer._ledger
    tracemalloc.start()
    try:
        session = store._writer.run(lambda _: load(ledger.db, "s1"))
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert session is not None
    assert len(session.series) == 500
    assert taken * 0.6 < session.weight < taken * 2


@pytest.mark.parametrize("letter", ["x", "\U0001f408"], ids=["narrow", "wide"])
def test_facts_and_what_is_folded_weigh_what_they_take_in_memory(send: Send, store: SqliteStore, letter: str) -> None:
    send("s1", "1-0", 0, [], facts={f"fact{n}": letter * 900 for n in range(15)})
    ledger = store._writer._ledger
    tracemalloc.start()
    try:
        session = store._writer.run(lambda _: load(ledger.db, "s1"))
        assert session is not None
        session.courses = dict.fromkeys(range(1000, 2000), 20)
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert taken * 0.6 < session.weight < taken * 2
