"""A session of any size is answered whole, and the server needs little memory for it."""

import json
import re
import signal
import sqlite3
import urllib.request
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from datacat_server.ingest.result import IngestResult
from datacat_server.model import PARTS, Session, encode
from datacat_server.store.protocol import UnknownSession
from datacat_server.store.sqlite import SqliteStore
from datacat_server.store.sqlite.reading import session_json, session_parts
from litestar.testing import TestClient

Send = Callable[..., IngestResult]
RESIDENT_MB = 200


@pytest.fixture
def preloaded() -> bool:
    return False  # memory is looked at


def post(url: str, body: bytes) -> None:
    headers = {"Content-Type": "application/x-ndjson"}
    with urllib.request.urlopen(urllib.request.Request(f"{url}/api/ingest", body, headers), timeout=60) as answer:
        assert answer.status == 200


def length(address: str) -> int:
    """Of an answer, which is read to its end."""
    read = 0
    with urllib.request.urlopen(address, timeout=300) as answer:
        while chunk := answer.read(1 << 20):
            read += len(chunk)
            last = chunk
    assert last.endswith((b"}", b"]"))
    return read


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="asks /proc how much memory there is")
def test_a_server_that_answers_large_sessions_whole_stays_small(
    start: Callable[..., Any], make_body: Callable[..., bytes]
) -> None:
    """The large state is in every entry of `state_history`; there are many events and readings as well."""
    server = start("datacat", "up", "--server-port", "0", "--web-port", "0")
    web, api = server.addresses()
    state = {"kind": "state", "state": {"text": "x" * 900_000}}
    patches = [{"kind": "state", "state": {"step": number}} for number in range(150)]
    post(api, make_body("s1", "1-0", 0, [state, *patches]))
    events = [{"kind": "event", "name": "moved", "data": {"x": 1}}] * 25_000
    for first in range(0, 50_000, 25_000):
        post(api, make_body("s2", "1-0", first, events))
    readings = [{"kind": "metric", "name": f"m{number % 500}", "value": number} for number in range(25_000)]
    for first in range(0, 50_000, 25_000):
        post(api, make_body("s2", "2-0", first, readings))
    for address in (f"{api}/api/sessions/s1", f"{api}/api/data/sessions", f"{web}/sessions/s1.json"):
        assert length(address) > 130_000_000
    assert length(f"{api}/api/sessions/s2") > 7_000_000
    peak = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{server.process.pid}/status").read_text())
    assert peak and int(peak[1]) / 1024 < RESIDENT_MB
    assert server.finish(signal.SIGTERM)[0] == 0


@pytest.fixture
def varied(send: Send, store: SqliteStore) -> Session:
    """A session with all there is, several of it at the same instant, and out of order."""
    records: list[dict[str, Any]] = []
    for number in range(60):
        at = 1_795_298_400_000_000 + number * 7 % 13
        records += [
            {"kind": "event", "name": f"e{number}", "time": at, "data": {"n": number}},
            {"kind": "event", "name": "failed", "time": at, "exception_type": "E", "exception_msg": "m"},
            {"kind": "state", "state": {f"k{number % 5}": number}, "time": at},
            {"kind": "metric", "name": f"m{number % 3}", "value": number, "time": at, "metadata": {"n": number}},
            {"kind": "metric", "name": "c", "type": "counter", "delta": 1, "time": at},
            {"kind": "metric", "name": f"h{number % 2}", "type": "histogram", "value": number, "time": at},
            {"kind": "metric", "name": "", "value": 1},
        ]
    send("s1", "1-0", 0, records)
    send("s1", "daemon-vitals-1-0", 0, [{"kind": "metric", "name": "process_threads", "value": 1}] * 9)
    return store.session("s1")


@pytest.mark.parametrize("piece", [1, 500, 1 << 20])
def test_the_pieces_of_a_session_are_its_json_whatever_their_size(
    varied: Session, store: SqliteStore, api: TestClient, monkeypatch: pytest.MonkeyPatch, piece: int
) -> None:
    assert varied.metrics and [metric.timestamp for metric in varied.metrics] == sorted(
        metric.timestamp for metric in varied.metrics
    )
    assert varied.events and [event.timestamp for event in varied.events] == sorted(
        event.timestamp for event in varied.events
    )
    assert len(varied.metrics) == 122
    assert len(varied.events) == 120
    assert varied.refused and len(varied.refused) == 60
    monkeypatch.setattr(session_json, "_PIECE", piece)
    monkeypatch.setattr(session_parts, "_AT_ONCE", 7)
    monkeypatch.setattr(session_parts, "_FEWEST_READINGS", 2)
    pieces = list(store.session_json("s1"))
    assert len(pieces) == 1 if piece > 500 else len(pieces) > 20
    assert b"".join(pieces) == encode(varied)
    assert api.get("/api/sessions/s1").content == encode(varied)
    assert json.loads(api.get("/api/data/sessions").content) == [json.loads(encode(varied))]
    for part in PARTS:
        answer = api.get("/api/sessions/s1", params={"include": part})
        assert answer.content == encode(store.session("s1", {part}))


def test_events_and_states_that_come_while_a_session_is_answered_are_not_in_the_answer(
    varied: Session, store: SqliteStore, send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_json, "_PIECE", 500)
    before = encode(store.session("s1", {"events", "state_history"}))
    pieces = store.session_json("s1", {"events", "state_history"})
    begun = next(pieces)
    send("s1", "1-0", 420, [{"kind": "event", "name": "late"}, {"kind": "state", "state": {"late": 1}}])
    assert begun + b"".join(pieces) == before


def test_an_answer_breaks_off_when_its_session_is_removed_and_holds_nothing_back_meanwhile(
    varied: Session, store: SqliteStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_json, "_PIECE", 500)
    pieces = store.session_json("s1")
    store.delete("s1")
    with closing(sqlite3.connect(tmp_path / "data" / "datacat.sqlite3")) as db:
        # A reader of an older state would keep it from being emptied.
        assert db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0
    with pytest.raises(UnknownSession):
        list(pieces)
