"""Sessions found by filters in an address, and what that costs the index."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from datacat_server.filters import Filter, Relation, StateCondition, parse_filter, to_query
from datacat_server.ingest.records import SessionBatch, SessionLine
from datacat_server.store.sqlite import SqliteStore
from datacat_server.store.sqlite.file.connection import connect
from datacat_server.store.sqlite.file.migrate import migrate
from datacat_server.store.sqlite.folds import search_terms
from datacat_server.store.sqlite.reading import listing
from datacat_server.store.sqlite.reading.selection import selection
from datacat_server.store.sqlite.writing.ledger import Ledger
from litestar.testing import TestClient

Send = Callable[..., Any]


def state(**patch: Any) -> dict[str, Any]:
    return {"kind": "state", "state": patch}


def found(api: TestClient, query: str) -> list[str]:
    answer = api.get(f"/api/sessions?{query}")
    assert answer.status_code == 200, answer.text
    return sorted(session["id"] for session in answer.json()["sessions"])


def rows(folder: Path, table: str) -> int:
    with closing(sqlite3.connect(folder / "data" / "datacat.sqlite3")) as db:
        count: int = db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
        return count


def test_sessions_are_found_by_what_is_or_was_in_their_state(api: TestClient, send: Send) -> None:
    send("s1", records=[state(window_state={"open": ["space probe", "map"]}, level=3)])
    send("s2", records=[state(window_state={"open": ["space probe"]}), state(window_state={"open": []}, level=4)])
    send("s3", records=[state(window_state=None, level=3), state(level=4)])
    assert found(api, "contains=window_state.open:space probe") == ["s1"]
    assert found(api, 'ever_contains=window_state.open:"space probe"') == ["s1", "s2"]
    assert found(api, "state=window_state.open:[]") == ["s2"]
    assert found(api, 'state_ever=window_state.open:["space probe"]') == ["s2"]
    assert found(api, "state=level:3") == ["s1"]
    assert found(api, "state_ever=level:3") == ["s1", "s3"]
    assert found(api, "state_ever=level:3&state=level:4") == ["s3"]
    assert found(api, "state=product:Game") == ["s1", "s2", "s3"]
    assert found(api, "state=window_state:map") == []


def test_numbers_are_compared_by_value_and_text_that_looks_like_json_stands_in_quotes(
    api: TestClient, send: Send
) -> None:
    send("one", records=[state(v=1)])
    send("float", records=[state(v=1.0)])
    send("true", records=[state(v=True)])
    send("text", records=[state(v="1")])
    assert found(api, "state=v:1") == found(api, "state=v:1.0") == ["float", "one"]
    assert found(api, "state=v:true") == ["true"]
    assert found(api, 'state=v:"1"') == ["text"]


def test_dots_and_colons_of_keys_stand_behind_a_backslash(api: TestClient, send: Send) -> None:
    send("flat", records=[{"kind": "state", "state": {"a.b": {"c:d": 1}}}])
    send("deep", records=[state(a={"b": {"c": 1}})])
    assert found(api, r"state=a\.b.c\:d:1") == ["flat"]
    assert found(api, "state=a.b.c:1") == ["deep"]


def test_a_value_that_changes_all_the_time_is_found_exactly_and_does_not_fill_the_index(
    store: SqliteStore, send: Send, api: TestClient, tmp_path: Path
) -> None:
    send("still", records=[state(player={"x": 7.5})])
    for batch in range(5):
        frames = [state(player={"x": batch * 100 + frame + 0.5}) for frame in range(100)]
        send("moving", first=batch * 100, records=frames)
    assert rows(tmp_path, "postings") < search_terms.MOST_VALUES
    assert rows(tmp_path, "terms") < search_terms.MOST_VALUES
    assert found(api, "state=player.x:499.5") == ["moving"]
    assert found(api, "state_ever=player.x:7.5") == ["moving", "still"]
    assert found(api, "state_ever=player.x:7") == []
    send("moving", first=500, records=[state(player=None)])
    assert found(api, "state=player.x:499.5") == []
    assert found(api, "state_ever=player.x:499.5") == ["moving"]


def test_a_session_with_too_many_values_is_found_exactly(
    api: TestClient, send: Send, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_terms, "MOST_TERMS", 20)
    send("large", records=[{"kind": "state", "state": {f"k{number}": number for number in range(50)}}, state(k7=0)])
    assert rows(tmp_path, "postings") == 0
    assert found(api, "state=k49:49") == found(api, "state_ever=k7:7") == found(api, "state=k7:0") == ["large"]
    assert found(api, "state=k7:7") == found(api, "contains=k7:7") == []


def test_a_very_long_array_is_found_exactly_and_makes_no_terms(
    store: SqliteStore, api: TestClient, send: Send, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[int] = []
    canonical = search_terms.canonical

    def counted(value: Any) -> str:
        written.append(search_terms.count_values(value, 10**9))
        return canonical(value)

    monkeypatch.setattr(search_terms, "canonical", counted)
    send("up", records=[state(items=list(range(50_000)), deep=[list(range(50_000))])])
    send("down", records=[state(items=list(range(50_000))[::-1]), state(items=[7, 8])])
    assert sum(written) < 100
    assert rows(tmp_path, "terms") < 10
    assert found(api, "contains=items:49999") == ["up"]
    assert found(api, "ever_contains=items:49999") == ["down", "up"]
    assert found(api, "contains=items:8") == ["down", "up"]
    assert found(api, "contains=items:50000") == []
    for number, name in ((1, "up"), (-1, "down")):
        wanted = Filter(state=(StateCondition(("items",), Relation.WAS, list(range(50_000))[::number]),))
        assert [session.id for session in store.sessions(wanted).sessions] == [name]
    deep = Filter(state=(StateCondition(("deep",), Relation.CONTAINS, list(range(50_000))),))
    other = Filter(state=(StateCondition(("deep",), Relation.CONTAINS, [0] * 50_000),))
    assert [store.sessions(wanted).total for wanted in (deep, other)] == [1, 0]


def test_a_record_that_says_too_much_is_looked_at_in_part_only_and_found_exactly(
    api: TestClient, send: Send, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_terms, "MOST_TERMS", 100)
    send("wide", records=[{"kind": "state", "state": {f"k{number}": [[0] * 50] for number in range(50)}}])
    assert rows(tmp_path, "postings") == 0
    assert found(api, f"state=k49:{[[0] * 50]}") == found(api, f"contains=k3:{[0] * 50}") == ["wide"]
    assert found(api, f"contains=k3:{[0] * 49}") == []


def test_a_zero_with_a_sign_is_found_as_zero_where_there_is_no_index(
    api: TestClient, send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_terms, "MOST_TERMS", 0)
    send("s1", records=[state(level=-0.0), state(level=1)])
    assert found(api, "state_ever=level:0") == found(api, "state_ever=level:-0.0") == ["s1"]


def test_parts_of_texts_are_found_whatever_their_case(api: TestClient, send: Send) -> None:
    send("s1", product="Straßenbahn", hostname="Bluebird", records=[])
    send("s2", product="Game", records=[{"kind": "status", "status": "crashed", "reason": 'said "100%_no" and died'}])
    assert found(api, "q=STRASSEN") == found(api, "q=straß") == found(api, "q=blueb") == ["s1"]
    assert found(api, "q=100%25_NO") == found(api, "q=died") == ["s2"]
    assert found(api, "q=s2") == found(api, "q=%25") == ["s2"]
    assert found(api, "q=s") == ["s1", "s2"]
    # Not across two of the texts, and no language of its own.
    assert found(api, "q=s1str") == found(api, "q=said OR dead") == found(api, "q=10_%25") == []


def test_every_word_is_found_somewhere_and_what_is_in_quotes_in_one_place(api: TestClient, send: Send) -> None:
    raised = {
        "kind": "event", "name": "e", "exception_type": "KeyError", "exception_msg": 'no "shield" here',
        "source_file": "/app/hull.py", "source_function": "raise_it",
    }  # fmt: skip
    send("s1", product="My Game", hostname="Bluebird", records=[raised])
    send(
        "s2", product="Game", hostname="My", records=[{"kind": "status", "status": "crashed", "reason": "shield gone"}]
    )
    assert found(api, "q=keyerror shield") == found(api, "q=shield  BLUE keyerror") == ["s1"]
    assert found(api, "q=my game") == found(api, "q=shield game") == ["s1", "s2"]
    assert found(api, 'q="my game"') == found(api, 'q="my game" shield') == ["s1"]
    assert found(api, 'q=no "\\"shield\\" here') == found(api, 'q=" \\"shield') == ["s1"]
    assert found(api, "q=keyerror gone") == found(api, 'q="shield no"') == []
    assert found(api, 'q=""') == ["s1", "s2"]


def test_a_reason_that_changes_is_found_as_it_is_now(api: TestClient, send: Send) -> None:
    send("s1", records=[{"kind": "status", "status": "suspended", "reason": "the first reason"}])
    send("s1", first=1, records=[{"kind": "status", "status": "ended", "reason": "the second one"}])
    assert (found(api, "q=first reason"), found(api, "q=second one")) == ([], ["s1"])


def test_a_session_is_found_by_what_went_wrong_in_it_whatever_the_case(api: TestClient, send: Send) -> None:
    raised = {
        "kind": "event", "name": "exception", "exception_type": "game.MapError",
        "exception_msg": "no map for \u00c4rger 50% at C:\\maps",
        "source_file": "/app/world.py", "source_function": "load_tile",
    }  # fmt: skip
    send("s1", records=[raised])
    send("s2", records=[{"kind": "status", "status": "crashed", "reason": "killed", "data": {"kind": "out_of_memory"}}])
    send("s3", records=[])
    for text in ("maperror", "MapError in load_tile", "world.py", "NO MAP", "\u00e4RGER", "50%25 a", "c:\\M", "ld"):
        assert found(api, f"q={text}") == ["s1"], text
    assert found(api, "q=OUT OF") == ["s2"]
    assert found(api, "q=50_") == found(api, "q=load%25tile") == []
    assert found(api, "q=no map&status=active") == ["s1"]
    assert found(api, "q=no map&product=Other") == []


def test_a_removed_session_takes_what_it_was_found_by_with_it(
    store: SqliteStore, send: Send, api: TestClient, tmp_path: Path
) -> None:
    send("s1", records=[state(a="only here", b=1)])
    send("s2", records=[state(b=1)])
    store.delete("s1")
    store.clear()
    assert (found(api, "state=a:only here"), found(api, "q=s1"), found(api, "state=b:1")) == ([], [], ["s2"])
    assert (rows(tmp_path, "postings"), rows(tmp_path, "terms"), rows(tmp_path, "session_texts")) == (3, 3, 1)


def test_hangs_are_told_apart_by_how_they_ended(api: TestClient, send: Send) -> None:
    def fate(*statuses: str) -> list[dict[str, Any]]:
        return [{"kind": "status", "status": status} for status in statuses]

    send("never", records=fate("ended"))
    send("hangs", records=fate("hung"))
    send("recovered", records=fate("hung", "recovered", "crashed"))
    send("ended", records=fate("hung", "ended"))
    send("crashed", records=fate("hung", "crashed"))
    assert found(api, "status=ever_hung") == ["crashed", "ended", "hangs", "recovered"]
    assert found(api, "status=hung") == ["hangs"]
    assert found(api, "status=hung_recovered") == ["recovered"]
    assert found(api, "status=hung_ended") == ["ended"]
    assert found(api, "status=hung_crashed") == ["crashed"]


def test_a_total_beyond_what_is_counted_says_so(api: TestClient, send: Send, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "MOST_COUNTED", 2)
    for number in range(3):
        send(f"s{number}", records=[state(a=number)])
    page = api.get("/api/sessions?product=Game&limit=1").json()
    assert (page["total"], page["total_is_capped"]) == (2, True)
    page = api.get("/api/sessions?limit=1").json()
    assert (page["total"], page["total_is_capped"]) == (3, False)


@pytest.mark.parametrize(
    ("query", "details"),
    [
        ("product=a&product=b", "product: "),
        ("status=bored", "status: expected one of crashed, hung"),
        ("sort=name", "sort: expected one of created, updated"),
        ("sort=--created", "sort: "),
        ("from=lately", "from: expected "),
        ("q=" + "x" * 201, "q: "),
        ("q=" + "x " * 11, "q: has more than 10 words"),
        ("state=level", "state: expected path:value"),
        ("state_ever=a:" + "x" * 3_999, "state_ever: is longer than 4,000 characters"),
        ("contains=a:[" + ",".join(["1e300"] * 20) + "]", "contains: is longer than 4,000 characters"),
        ('state_ever=a:{"b":1}', "state_ever: an object has no value"),
        ("&".join(["contains=a:1"] * 11), "contains: is there more than 10 times"),
        ("&".join(["state="] * 11), "state: is there more than 10 times"),
    ],
)
def test_what_is_wrong_with_a_filter_is_named(api: TestClient, query: str, details: str) -> None:
    answer = api.get(f"/api/sessions?{query}")
    assert (answer.status_code, answer.json()["error"]) == (400, "bad_request")
    assert answer.json()["details"].startswith(details)


def test_a_filter_stands_in_an_address_as_people_would_write_it() -> None:
    wanted = parse_filter([("state", "window_state.open:space probe"), ("from", "2026-01-31"), ("limit", "3")])
    assert wanted.state == (StateCondition(("window_state", "open"), Relation.IS, "space probe"),)
    assert to_query(wanted) == [("from", "2026-01-31T00:00:00Z"), ("state", "window_state.open:space probe")]
    assert to_query(Filter()) == []


@pytest.mark.parametrize(
    "query",
    [
        "product=A",
        "version=1",
        "machine=m",
        "status=crashed",
        "status=ever_hung",
        "status=hung_crashed",
        "from=2026-01-01&to=2026-01-02",
        "q=text",
        "state=a:1",
        "state_ever=a:1",
        "contains=a:1",
        "ever_contains=a:1",
    ],
)
def test_no_single_filter_looks_at_every_session(store: SqliteStore, tmp_path: Path, query: str) -> None:
    wanted = parse_filter([(part.split("=")[0], part.split("=")[1]) for part in query.split("&")])
    condition, values = selection(wanted)
    with closing(connect(tmp_path / "data" / "datacat.sqlite3")) as db:
        plan = [
            step[3]
            for step in db.execute(
                f"EXPLAIN QUERY PLAN SELECT * FROM sessions WHERE {condition} ORDER BY created DESC, id DESC LIMIT 9",
                values,
            )
        ]
    # The index of those that hung has no others.
    assert [step for step in plan if step.startswith("SCAN sessions") and "sessions_that_hung" not in step] == []


@pytest.mark.parametrize("sort", ["created", "updated", "duration", "event_count", "exception_count"])
def test_no_sort_looks_at_every_session(store: SqliteStore, tmp_path: Path, sort: str) -> None:
    key = listing.key_of(sort)
    with closing(connect(tmp_path / "data" / "datacat.sqlite3")) as db:
        for cursor in ("", f"WHERE ({key}, id) < (5, 5)"):
            query = f"EXPLAIN QUERY PLAN SELECT * FROM sessions {cursor} ORDER BY {key} DESC, id DESC LIMIT 9"
            plan = " ".join(step[3] for step in db.execute(query))
            assert "USING INDEX" in plan
            assert "TEMP B-TREE" not in plan


def test_only_what_changed_of_a_session_is_written_to_its_row_and_so_to_its_indexes(tmp_path: Path) -> None:
    header = SessionLine(id="s1", product="Game", version="1", time=1_000, machine_id="m1")
    with closing(connect(tmp_path / "datacat.sqlite3")) as db:
        migrate(db)
        ledger = Ledger(db)
        ledger.apply([SessionBatch("s1", header=header)])
        written: list[str] = []
        db.set_trace_callback(lambda query: written.append(query) if query.startswith("UPDATE sessions") else None)
        ledger.apply([SessionBatch("s1", header=header, heartbeat=2_000)])
        ledger.apply([SessionBatch("s1", header=header, heartbeat=2_000, presumed=1)])
        db.set_trace_callback(None)
        assert [query.count("=") for query in written] == [4]
        assert all(f"{name} = " in written[0] for name in ("updated", "last_heartbeat", "received", "id"))
        # What is undone is not remembered as written.
        db.execute("BEGIN")
        ledger.begin()
        ledger.apply([SessionBatch("s1", header=header, heartbeat=3_000)])
        db.execute("ROLLBACK")
        ledger.undo()
        ledger.apply([SessionBatch("s1", header=header, heartbeat=3_000)])
        assert db.execute("SELECT last_heartbeat FROM sessions").fetchone() == (3_000,)
