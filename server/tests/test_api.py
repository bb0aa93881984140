"""The REST API: every call, and every error in its one shape."""

import gzip
import threading
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from datacat_server.api import ingest
from datacat_server.api.app import create_api
from datacat_server.config import Config
from datacat_server.store.errors import StoreUnavailable
from datacat_server.store.sqlite import SqliteStore
from litestar.testing import TestClient


@pytest.fixture
def session(api: TestClient) -> str:
    answer = api.post("/api/sessions", json={"product": "Game", "version": "1.0"})
    assert answer.status_code == 200
    return str(answer.json()["id"])


def is_error(answer: Any, status: int, kind: str, details: str) -> None:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("application/json")
    body = answer.json()
    assert body.keys() == {"error", "details"}
    assert body["error"] == kind
    assert body["details"].startswith(details)


def is_ok(answer: Any) -> None:
    assert answer.status_code == 200, answer.text
    assert answer.json().items() >= {"status": "ok", "success": True}.items()


def test_health_says_what_answers(api: TestClient) -> None:
    answer = api.get("/health").json()
    assert (answer["status"], answer["service"]) == ("healthy", "datacat-server")
    assert answer["version"]


def test_a_new_session_has_both_ids_and_what_was_said_of_it(api: TestClient) -> None:
    facts = {"python": "3.11"}
    said = {"product": "Game", "version": "2", "machine_id": "m", "hostname": "h", "pid": 7, "facts": facts}
    answer = api.post("/api/sessions", json=said)
    is_ok(answer)
    new = answer.json()
    assert new["id"] == new["session_id"]
    assert new.items() >= said.items()
    assert new["state"] == {"product": "Game", "version": "2"}
    assert new["active"] is True
    assert api.get(f"/api/sessions/{new['id']}").json().items() >= said.items()


def test_a_session_keeps_the_id_that_its_client_chose(api: TestClient) -> None:
    for _ in range(2):
        is_ok(api.post("/api/sessions", json={"product": "Game", "session_id": "chosen-1"}))
    page = api.get("/api/sessions").json()
    assert [(session["id"], session["version"]) for session in page["sessions"]] == [("chosen-1", "unknown")]


def test_single_records_reach_the_session(api: TestClient, session: str) -> None:
    when = "2026-11-21T22:00:00.500000Z"
    for path, body in [
        ("state", {"level": 1, "state": "menu"}),
        ("state", {"state": {"window": {"open": ["a"]}}, "timestamp": when}),
        ("events", {"name": "moved", "data": {"x": 1}, "timestamp": when, "writer": "w", "ordinal": 3}),
        ("events", {"name": "early", "timestamp": 1_000_000_000.25, "kind": "x", "time": "y"}),
        ("metrics", {"name": "fps", "value": 60, "timestamp": "2026-11-21T23:00:00.5+01:00"}),
        ("metrics", {"name": "kills", "type": "counter", "delta": 2}),
        ("metrics", {"name": "kills", "type": "counter", "delta": 3}),
        ("heartbeat", {"timestamp": when}),
        ("end", {"reason": "done"}),
    ]:
        is_ok(api.post(f"/api/sessions/{session}/{path}", json=body))
    whole = api.get(f"/api/sessions/{session}").json()
    assert whole["state"].items() >= {"level": 1, "state": "menu", "window": {"open": ["a"]}}.items()
    assert [event["name"] for event in whole["events"]] == ["early", "moved"]
    assert [event["timestamp"] for event in whole["events"]] == ["2001-09-09T01:46:40.250000Z", when]
    assert [(metric["name"], metric["value"]) for metric in whole["metrics"]] == [
        ("fps", 60),
        ("kills", 2),
        ("kills", 5),
    ]
    assert whole["metrics"][0]["timestamp"] == when
    assert whole["last_heartbeat"] == when
    assert (whole["status"], whole["reason"], whole["active"]) == ("ended", "done", False)
    assert datetime.fromisoformat(whole["ended_at"])
    keys = "id created_at updated_at ended_at last_heartbeat active suspended crashed hung product version machine_id"
    keys += " hostname state state_history events metrics vitals"
    assert set(keys.split()) <= whole.keys()


def test_calls_that_need_no_body_take_none(api: TestClient, session: str) -> None:
    is_ok(api.post(f"/api/sessions/{session}/heartbeat"))
    is_ok(api.post(f"/api/sessions/{session}/crash"))
    whole = api.get(f"/api/sessions/{session}").json()
    assert (whole["status"], whole["crashed"]) == ("crashed", True)
    assert whole["events"][0]["name"] == "session_crashed_detected"


def test_a_crash_says_its_reason(api: TestClient, session: str) -> None:
    is_ok(api.post(f"/api/sessions/{session}/crash", json={"reason": "out of memory"}))
    assert api.get(f"/api/sessions/{session}").json()["reason"] == "out of memory"


def test_include_picks_the_parts(api: TestClient, session: str) -> None:
    parts = {"state_history", "events", "metrics", "vitals", "refused"}
    for include, there in [("", set()), ("events, vitals", {"events", "vitals"}), (",".join(parts), parts)]:
        answer = api.get(f"/api/sessions/{session}", params={"include": include}).json()
        assert parts & answer.keys() == there
    answer = api.get(f"/api/sessions/{session}", params={"include": "gossip"})
    is_error(answer, 400, "bad_request", "include: 'gossip' is none of events, ")


def test_the_list_is_paged_and_filtered(api: TestClient) -> None:
    for number in range(3):
        api.post("/api/sessions", json={"product": f"P{number % 2}", "id": f"s{number}", "timestamp": 1000 + number})
    first = api.get("/api/sessions?limit=2").json()
    assert [session["id"] for session in first["sessions"]] == ["s2", "s1"]
    assert first["total"] == 3
    second = api.get(f"/api/sessions?limit=2&cursor={first['cursor']}").json()
    assert [session["id"] for session in second["sessions"]] == ["s0"]
    assert second["cursor"] is None
    found = api.get("/api/sessions?product=P0&status=active").json()["sessions"]
    assert [session["id"] for session in found] == ["s2", "s0"]


def test_all_sessions_come_as_one_array(api: TestClient) -> None:
    assert api.get("/api/data/sessions").json() == []
    for number in range(3):
        api.post("/api/sessions", json={"product": f"P{number % 2}", "id": f"s{number}", "timestamp": 1000 + number})
    api.post("/api/sessions/s1/events", json={"name": "moved"})
    sessions = api.get("/api/data/sessions").json()
    assert [session["id"] for session in sessions] == ["s2", "s1", "s0"]
    assert [len(session["events"]) for session in sessions] == [0, 1, 0]
    assert [session["id"] for session in api.get("/api/data/sessions?product=P0&to=1002").json()] == ["s0"]


def test_a_deleted_session_is_gone(api: TestClient, session: str) -> None:
    is_ok(api.delete(f"/api/sessions/{session}"))
    is_error(api.get(f"/api/sessions/{session}"), 404, "not_found", f"there is no session '{session}'")
    is_error(api.delete(f"/api/sessions/{session}"), 404, "not_found", "there is no session")


@pytest.mark.parametrize("path", ["state", "events", "metrics", "heartbeat", "end", "crash"])
def test_records_for_an_unknown_session_are_404(api: TestClient, path: str) -> None:
    body = {"name": "x", "value": 1}
    answer = api.post(f"/api/sessions/nobody/{path}", json=body)
    is_error(answer, 404, "not_found", "there is no session 'nobody'; create it with POST /api/sessions")


@pytest.mark.parametrize(
    ("path", "body", "details"),
    [
        ("", b"{", "record: input data was truncated"),
        ("", b"", "record: input data was truncated"),
        ("", b"[]", "record: expected an object, got an array"),
        ("", b"{}", "product: is missing"),
        ("", b'{"product":3}', "product: expected a string, got a whole number"),
        ("", b'{"product":"P","id":"../etc"}', "id: expected 1 to 128 letters"),
        ("", b'{"product":"P","timestamp":"soon"}', "timestamp: expected RFC 3339"),
        ("", b'{"product":"P","timestamp":-1}', "timestamp: not a time"),
        ("", b'{"product":"P","timestamp":"9998-01-01T00:00:00Z"}', "timestamp: more than a day ahead"),
        ("/s1/events", b'{"name":', "record: input data was truncated"),
        ("/s1/events", b'{"name":[]}', "name: expected a string, got an array"),
        ("/s1/events", b'{"name":"x","data":[]}', "data: expected an object"),
        ("/s1/events", b'{"name":"x","timestamp":[]}', "timestamp: expected a number or a string, got an array"),
        ("/s1/metrics", b'{"name":"x","value":"high"}', "value: expected a number, got a string"),
        ("/s1/metrics", b'{"name":"x","value":NaN}', "record: JSON is malformed"),
        ("/s1/state", b"3", "record: expected an object, got a whole number"),
        ("/s1/end", b'{"reason":3}', "reason: expected a string, got a whole number"),
        ("/s1/state", b'{"a":' + b"[" * 200 + b"]" * 200 + b"}", "a: nested deeper than 64 levels"),
    ],
)
def test_what_is_wrong_with_a_call_is_named(api: TestClient, path: str, body: bytes, details: str) -> None:
    api.post("/api/sessions", json={"product": "P", "id": "s1"})
    is_error(api.post(f"/api/sessions{path}", content=body), 400, "bad_request", details)


@pytest.mark.parametrize(
    ("query", "details"),
    [
        ("limit=many", "limit: expected a whole number"),
        ("limit=0", "limit: expected a whole number >= 1"),
        ("limit=1001", "limit: expected a whole number <= 1000"),
        ("status=bored", "status: expected one of crashed, hung"),
        ("cursor=home", "cursor: expected one that a page"),
        ("prodcut=P", "prodcut: is no query parameter here; this call takes contains, cursor, "),
        ("store=x", "store: is no query parameter here"),
    ],
)
def test_what_is_wrong_with_a_query_is_named(api: TestClient, query: str, details: str) -> None:
    is_error(api.get(f"/api/sessions?{query}"), 400, "bad_request", details)


def test_addresses_and_methods_that_are_none(api: TestClient) -> None:
    is_error(api.get("/nowhere"), 404, "not_found", "there is nothing at GET /nowhere")
    is_error(api.get("/"), 404, "not_found", "there is nothing at GET /")
    answer = api.put("/api/sessions")
    is_error(answer, 405, "method_not_allowed", "PUT /api/sessions is not a call; this address takes ")
    assert "POST" in answer.headers["allow"]


def test_bodies_that_are_too_large(api: TestClient, session: str) -> None:
    is_error(api.post("/api/ingest", content=bytes(17 * 2**20)), 413, "too_large", "the body is larger than 16 MB")
    event = b'{"name":"' + b"x" * 2**20 + b'"}'
    is_error(api.post(f"/api/sessions/{session}/events", content=event), 413, "too_large", "record: larger than 1 MB")
    bomb = gzip.compress(bytes(65 * 2**20), 1)
    answer = api.post("/api/ingest", content=bomb, headers={"content-encoding": "gzip"})
    is_error(answer, 413, "too_large", "the body unpacks to more than 64 MB")
    for body, status, kind, details in (
        (gzip.compress(b"x\n" * 300_000), 413, "too_large", "the body has more than 100,000 lines"),
        (gzip.compress(b"\n") * 101, 400, "bad_request", "the gzip body has more than 100 members"),
    ):
        answer = api.post("/api/ingest", content=body, headers={"content-encoding": "gzip"})
        is_error(answer, status, kind, details)


def test_a_batch_is_answered_with_positions_and_refusals(api: TestClient, make_body: Callable[..., bytes]) -> None:
    body = make_body("s1", "1-0", 0, [{"kind": "event", "name": "x"}, {"kind": "event", "name": 3}]) + b"noise\n"
    for content, headers in [(body, {}), (gzip.compress(body), {"content-encoding": "gzip"})]:
        answer = api.post("/api/ingest", content=content, headers=headers)
        is_ok(answer)
        assert answer.json()["sessions"]["s1"]["writers"] == {"1-0": 2}
        assert answer.headers["accept-encoding"] == "gzip, zstd"
        wrong, noise = answer.json()["refused"]
        assert wrong == {
            "session": "s1",
            "writer": "1-0",
            "ordinal": 1,
            "line": 4,
            "error": "bad_request",
            "details": "name: expected a string, got a whole number",
        }
        assert (noise["writer"], noise["line"]) == (None, 5)
    whole = api.get("/api/sessions/s1").json()
    assert [event["name"] for event in whole["events"]] == ["x"]
    assert (whole["refused_count"], len(whole["refused"])) == (2, 2)


def test_a_batch_that_cannot_be_read_is_refused_whole(api: TestClient, make_body: Callable[..., bytes]) -> None:
    packed = gzip.compress(make_body("s1", "1-0", 0, [{"kind": "event", "name": "x"}] * 100))
    answer = api.post("/api/ingest", content=packed[:-20], headers={"content-encoding": "gzip"})
    is_error(answer, 400, "unreadable", "the gzip body is cut short")
    for encoding in ("br", "gzip, gzip"):
        answer = api.post("/api/ingest", content=packed, headers={"content-encoding": encoding})
        is_error(answer, 400, "bad_request", f"Content-Encoding: '{encoding}' is not known here; send gzip, zstd or")
    is_error(api.get("/api/sessions/s1"), 404, "not_found", "there is no session 's1'")


def test_a_stray_line_is_told(api: TestClient) -> None:
    answer = api.post("/api/ingest", content=b'{"kind":"session"}\n{"kind":"event"}')
    assert answer.json()["refused"][0]["details"] == "id: is missing"


@pytest.fixture
def guarded(store: SqliteStore) -> Iterator[TestClient]:
    config = Config(api_key="sésame", require_api_key=True)
    with TestClient(create_api(store, config), raise_server_exceptions=False) as client:
        yield client


def test_a_key_is_needed_everywhere_but_for_health(guarded: TestClient) -> None:
    assert guarded.get("/health").status_code == 200
    for method, path in [
        ("GET", "/api/sessions"),
        ("POST", "/api/sessions"),
        ("GET", "/api/data/sessions"),
        ("POST", "/api/ingest"),
        ("DELETE", "/api/sessions/s1"),
        ("POST", "/api/sessions/s1/events"),
    ]:
        for header, complaint in [
            ({}, "missing; send it as Authorization: Bearer"),
            ({"authorization": "Bearer wrong"}, "wrong or was revoked"),
            ({"authorization": b"Basic s\xc3\xa9same"}, "missing; "),
        ]:
            answer = guarded.request(method, path, headers=header)
            is_error(answer, 401, "unauthorized", f"the API key is {complaint}")
            assert answer.headers["www-authenticate"] == "Bearer"


def test_the_right_key_opens(store: SqliteStore) -> None:
    config = Config(api_key="sesame", require_api_key=True)
    with TestClient(create_api(store, config)) as client:
        assert client.get("/api/sessions", headers={"authorization": "Bearer sesame"}).status_code == 200
    with TestClient(create_api(store, Config(api_key="sesame"))) as client:
        assert client.get("/api/sessions").status_code == 200


def test_too_many_batches_at_once_are_asked_to_wait(api: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingest, "_MOST_AT_ONCE", 0)
    answer = api.post("/api/ingest", content=b"")
    is_error(answer, 429, "too_many_requests", "too many batches at once; send it again")
    assert answer.headers["retry-after"]


def test_a_full_disk_is_told_and_nothing_half_is_kept(
    api: TestClient, store: SqliteStore, make_body: Callable[..., bytes]
) -> None:
    is_ok(api.post("/api/ingest", content=make_body("s1", "1-0", 0, [{"kind": "event", "name": "before"}])))
    full = "PRAGMA max_page_count = {}"
    pages = store._writer.run(lambda ledger: ledger._db.execute("PRAGMA page_count").fetchone()[0])
    store._writer.run(lambda ledger: ledger._db.execute(full.format(pages + 2)).fetchone())
    large = [{"kind": "event", "name": "x" * 900, "message": "y" * 900}] * 100
    body = make_body("s1", "1-0", 1, large) + make_body("s2", "1-0", 0, large)
    answer = api.post("/api/ingest", content=body)
    is_error(answer, 503, "unavailable", "the disk of the server is full; free some space")
    assert answer.headers["retry-after"]
    assert [event["name"] for event in api.get("/api/sessions/s1").json()["events"]] == ["before"]
    assert api.get("/api/sessions/s2").status_code == 404
    # Space again: the same batch is taken, whole.
    store._writer.run(lambda ledger: ledger._db.execute(full.format(10**6)).fetchone())
    is_ok(api.post("/api/ingest", content=body))
    assert api.get("/api/sessions/s1").json()["event_count"] == 101


def test_one_bad_call_does_not_undo_those_that_share_its_commit(store: SqliteStore, api: TestClient) -> None:
    api.post("/api/sessions", json={"product": "P", "id": "s1"})
    blocked, release = threading.Event(), threading.Event()

    def block(ledger: object) -> None:
        blocked.set()
        release.wait(30)

    blocker = threading.Thread(target=store._writer.run, args=(block,))
    blocker.start()
    blocked.wait()  # else the writer may take one of the calls together with this, and no 4 of them ever wait
    answers: dict[int, int] = {}

    def call(number: int) -> None:
        session = "s1" if number % 2 else "nobody"
        answers[number] = api.post(f"/api/sessions/{session}/events", json={"name": f"e{number}"}).status_code

    callers = [threading.Thread(target=call, args=(number,)) for number in range(4)]
    for caller in callers:
        caller.start()
    while len(store._writer._waiting) < 4 and any(caller.is_alive() for caller in callers):
        threading.Event().wait(0.01)
    release.set()
    for thread in [blocker, *callers]:
        thread.join()
    assert answers == {number: 200 if number % 2 else 404 for number in range(4)}
    assert {event["name"] for event in api.get("/api/sessions/s1").json()["events"]} == {"e1", "e3"}


def test_a_bug_is_an_answer_too(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    class Broken(SqliteStore):
        def sessions(self, *arguments: Any, **keywords: Any) -> Any:
            raise ZeroDivisionError

    broken = Broken(tmp_path / "broken")
    with TestClient(create_api(broken, Config()), raise_server_exceptions=False) as client:
        answer = client.get("/api/sessions")
        assert (answer.status_code, answer.json()["error"]) == (500, "internal_error")
        assert "ZeroDivisionError" in caplog.text
    broken.close()
    with pytest.raises(StoreUnavailable):
        broken.ingest([])


def test_a_session_sent_again_without_a_version_keeps_its_own(api: TestClient) -> None:
    api.post("/api/sessions", json={"product": "Game", "id": "s1", "version": "7"})
    assert api.post("/api/sessions", json={"product": "Game", "id": "s1"}).json()["version"] == "7"


def test_a_deleted_session_is_not_made_again(api: TestClient, session: str) -> None:
    api.delete(f"/api/sessions/{session}")
    answer = api.post("/api/sessions", json={"product": "Game", "id": session})
    is_error(answer, 400, "bad_request", "id: the session with this id was deleted")


def test_where_in_the_code_is_kept_of_an_event_that_is_no_exception(api: TestClient, session: str) -> None:
    body = {"name": "x", "stacktrace": ["a"], "source_file": "game.py", "source_line": 3}
    is_ok(api.post(f"/api/sessions/{session}/events", json=body))
    whole = api.get(f"/api/sessions/{session}").json()
    assert whole["events"][0].items() >= body.items()
    assert ("exception_type" in whole["events"][0], whole["exception_count"]) == (False, 0)


def test_answers_are_neither_guessed_at_nor_stored(api: TestClient) -> None:
    for path in ("/health", "/api/sessions", "/nowhere"):
        headers = api.get(path).headers
        assert (headers["x-content-type-options"], headers["cache-control"]) == ("nosniff", "no-store")
