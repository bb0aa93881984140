"""Parts of one session over the REST API: events for every filter, the state, the timeline, metrics."""

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from datacat_server.ingest.result import IngestResult
from datacat_server.store.sqlite import SqliteStore
from datacat_server.store.sqlite.reading import event_query
from litestar.testing import TestClient

Send = Callable[..., IngestResult]
START = 1_795_298_400_000_000
LEVELS = ["debug", "info", "warning", "error", "critical"]
WORDS = ["moved", "saved", "Größe", "lost", "door"]


def record(some: random.Random) -> dict[str, Any]:
    """An event of whatever kind, at one of few times."""
    event: dict[str, Any] = {"kind": "event", "name": some.choice(WORDS), "time": START + some.randrange(50)}
    event["level"] = some.choice(LEVELS)
    for field, choices in (("category", "ab"), ("group", "xy"), ("message", WORDS)):
        if some.random() < 0.5:
            event[field] = some.choice(choices)
    if some.random() < 0.3:
        event["labels"] = some.sample(["red", "green", "blue"], 2)
    if some.random() < 0.3:
        event["data"] = {"word": some.choice(WORDS), "n": some.randrange(9)}
    if some.random() < 0.1:
        event |= {"exception_type": "KeyError", "exception_msg": some.choice(WORDS)}
    return event


def asked(some: random.Random) -> dict[str, Any]:
    """Query parameters of whatever combination."""
    query: dict[str, Any] = {}
    for name, choices in (
        ("level", LEVELS),
        ("min_level", LEVELS),
        ("category", "ab"),
        ("group", "xy"),
        ("label", ["red", "green"]),
        ("name", WORDS),
        ("q", ["OO", "größe", "e", '"n"']),
        ("exceptions", [True]),
    ):
        if some.random() < 0.25:
            query[name] = some.choice(choices)
    if some.random() < 0.3:
        query["from"] = f"{(START + some.randrange(30)) / 1e6:.6f}"
    if some.random() < 0.3:
        query["to"] = (datetime.fromtimestamp(START / 1e6, UTC) + timedelta(microseconds=40)).isoformat()
    return query


def meant(event: dict[str, Any], query: dict[str, Any]) -> bool:
    """The filters as they are described, one after the other."""
    moment = round(
        (datetime.fromisoformat(event["timestamp"]) - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(microseconds=1)
    )
    data = event["data"]
    texts = [event["name"], event["message"] or "", event.get("exception_msg", "")]
    texts.append(f'{{"word":"{data["word"]}","n":{data["n"]}}}' if data else "")
    return (
        query.get("level", event["level"]) == event["level"]
        and LEVELS.index(event["level"]) >= LEVELS.index(query.get("min_level", "debug"))
        and all(query.get(name, event[name]) == event[name] for name in ("category", "group", "name"))
        and ("label" not in query or query["label"] in event["labels"])
        and any(query.get("q", "").casefold() in text.casefold() for text in texts)
        and ("exceptions" not in query or "exception_type" in event)
        and ("from" not in query or moment >= round(float(query["from"]) * 1e6))
        and ("to" not in query or moment < START + 40)
    )


def every_page(api: TestClient, path: str, part: str, **query: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    cursor = None
    while True:
        answer = api.get(path, params=query | ({"cursor": cursor} if cursor else {}))
        assert answer.status_code == 200, answer.text
        found += answer.json()[part]
        cursor = answer.json()["cursor"]
        if cursor is None:
            return found


@pytest.mark.parametrize("seed", range(3))
def test_pages_of_every_filter_hold_what_is_meant_and_nothing_else(
    api: TestClient, send: Send, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    some = random.Random(seed)
    send("s1", "1-0", 0, [record(some) for _ in range(150)])
    send("s2", "1-0", 0, [record(some) for _ in range(20)])
    everything = api.get("/api/sessions/s1").json()["events"]
    looked_at = set()
    for _ in range(25):
        query = asked(some)
        # A page looks at so few events that most of them end before they are full.
        monkeypatch.setattr(event_query, "MOST_READ", some.choice([7, 1000]))
        monkeypatch.setattr(event_query, "MOST_IN_INDEX", some.choice([5, 1000]))
        expected = [event for event in everything if meant(event, query)]
        found = every_page(api, "/api/sessions/s1/events", "events", **query, limit=some.randrange(1, 9), sort="time")
        newest = every_page(api, "/api/sessions/s1/events", "events", **query, limit=some.randrange(1, 9))
        assert newest == found[::-1], query
        for event in found:
            if event["number"] not in looked_at:
                assert api.get(f"/api/sessions/s1/events/{event['number']}").json() == event
                looked_at.add(event["number"])
            del event["number"]
        assert found == expected, query


def test_an_answer_looks_at_a_bounded_number_of_events(
    api: TestClient, send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_query, "MOST_READ", 10)
    send("s1", "1-0", 0, [{"kind": "event", "name": "rare" if n == 0 else "usual"} for n in range(95)])
    pages = 0
    cursor: str | None = ""
    while cursor is not None:
        page = api.get("/api/sessions/s1/events", params={"name": "rare", "cursor": cursor}).json()
        cursor = page["cursor"]
        pages += 1
        assert [event["name"] for event in page["events"]] == (["rare"] if cursor is None else [])
    assert pages == 10


def test_text_is_found_however_it_is_written(api: TestClient, send: Send) -> None:
    events = [{"kind": "event", "name": "n", "data": {"place": "Überlingen"}}, {"kind": "event", "name": "n"}]
    send("s1", "1-0", 0, events)  # the body has the letter as its number
    [event] = api.get("/api/sessions/s1/events", params={"q": "üBERL"}).json()["events"]
    assert event["data"] == {"place": "Überlingen"}


def test_an_event_of_another_session_or_none_is_not_found(api: TestClient, send: Send) -> None:
    send("s1", "1-0", 0, [{"kind": "event", "name": "n"}])
    send("s2")
    number = api.get("/api/sessions/s1/events").json()["events"][0]["number"]
    for path in (f"/api/sessions/s2/events/{number}", "/api/sessions/s1/events/0", "/api/sessions/none/events/1"):
        answer = api.get(path)
        assert (answer.status_code, answer.json()["error"]) == (404, "not_found")


@pytest.mark.parametrize(
    ("call", "parameter"),
    [
        ("events?level=loud", "level: expected one of debug, info, warning, error, critical"),
        ("events?text=map", "text"),
        ("events?order=newest", "order"),
        ("events?from=last-week", "from"),
        ("events?cursor=7", "cursor"),
        ("events?limit=0", "limit"),
        ("events?sort=random", "sort: expected one of -time, time"),
        ("state?at=soon", "at"),
        ("timeline?buckets=0", "buckets"),
        ("timeline?buckets=4001", "buckets"),
        ("timeline?from=7&to=7", "to"),
        ("metrics?points=1", "points"),
        ("metrics?cursor=a", "cursor"),
        ("metrics?raw=true&cursor=1", "cursor"),
        ("metrics?type=meter", "type: expected one of gauge, counter, histogram, timer"),
        ("events?lavel=info", "lavel"),
    ],
)
def test_what_will_not_do_is_refused_by_its_name(api: TestClient, send: Send, call: str, parameter: str) -> None:
    send("s1")
    answer = api.get(f"/api/sessions/s1/{call}")
    assert answer.status_code == 400
    assert answer.json()["details"].startswith(parameter if ":" in parameter else f"{parameter}:"), answer.text


@pytest.mark.parametrize("view", ["events", "state", "timeline", "metrics", "metrics?raw=true"])
def test_a_session_that_is_none_has_no_views(api: TestClient, view: str) -> None:
    answer = api.get(f"/api/sessions/none/{view}")
    assert answer.status_code == 404
    assert answer.json()["details"] == "there is no session 'none'"  # and nobody who reads is told to create it


def test_the_state_at_an_instant_says_what_changed_then(api: TestClient, send: Send) -> None:
    patches = [{"window_state": {"open": ["a"], "x.y": 1}}, {"window_state": {"x.y": None}, "level": 2}]
    send(
        "s1",
        "1-0",
        0,
        [{"kind": "state", "state": patch, "time": START + 10 * (n + 1)} for n, patch in enumerate(patches)],
    )
    base = {"product": "Game", "version": "1.0"}

    def state(**query: Any) -> list[Any]:
        answer = api.get("/api/sessions/s1/state", params=query).json()
        return [answer["state"], sorted(answer["changed"])]

    assert state() == [base | {"window_state": {"open": ["a"]}, "level": 2}, ["level", "window_state.x\\.y"]]
    assert state(at=f"{(START + 15) / 1e6:.6f}") == [
        base | {"window_state": {"open": ["a"], "x.y": 1}},
        ["window_state.open", "window_state.x\\.y"],
    ]
    assert state(at="2026-11-21T22:00:00Z") == [base, ["product", "version"]]
    assert api.get("/api/sessions/s1/state?at=7").json() == {"timestamp": None, "state": {}, "changed": []}


def test_a_timeline_holds_by_default_all_that_happened(api: TestClient, send: Send, store: SqliteStore) -> None:
    times = [START - 5_000_000, START, START + 9_000_000]
    records = [{"kind": "event", "name": "n", "time": time} for time in times]
    send("s1", "1-0", 0, [*records, {"kind": "state", "state": {"a": 1}, "time": START - 7_000_000}])
    line = api.get("/api/sessions/s1/timeline?buckets=7").json()
    assert (sum(line["levels"]["info"]), sum(line["state_changes"]), len(line["exceptions"])) == (3, 1, 7)
    some = api.get("/api/sessions/s1/timeline", params={"from": "2026-11-21T22:00:00Z", "to": START / 1e6 + 9}).json()
    assert (sum(some["levels"]["info"]), len(some["exceptions"])) == (1, 240)
    assert api.get("/api/sessions/s1/timeline?from=1900000000").json()["levels"]["info"] == [0] * 240


def test_metrics_come_as_series_or_as_readings(api: TestClient, send: Send) -> None:
    records: list[dict[str, Any]] = []
    for n in range(30):
        records += [
            {"kind": "metric", "name": "fps", "value": n, "tags": ["map:harbour", "fast"]},
            {"kind": "metric", "name": "fps", "value": -n, "tags": ["map:plain"]},
            {"kind": "metric", "name": "hits", "type": "counter", "delta": 2},
        ]
    samples = [{"kind": "metric", "name": "wait", "type": "histogram", "value": 0.3, "buckets": [1]}] * 4
    send("s1", "1-0", 0, records + samples)
    send("s1", "daemon-1", 0, [{"kind": "metric", "name": "memory", "value": 5}])
    path = "/api/sessions/s1/metrics"
    series = every_page(api, path, "series", limit=1, points=10)
    assert [(one["name"], one["tags"]) for one in series] == [
        ("fps", ["fast", "map:harbour"]), ("fps", ["map:plain"]), ("hits", []), ("wait", []),
    ]  # fmt: skip
    assert (series[0]["minimum"], series[0]["maximum"], series[2]["last"]) == (0, 29, 60)
    assert all(len(one["times"]) <= 10 for one in series)
    assert series[3]["buckets"] == [{"le": 1.0, "count": 4}, {"le": None, "count": 0}]
    readings = every_page(api, path, "readings", raw=True, limit=7)
    assert [reading["value"] for reading in readings] == [
        *range(30), *range(0, -30, -1), *range(2, 61, 2), 0.3,
    ]  # fmt: skip
    assert len(every_page(api, path, "readings", raw=True, name="fps", tags=["fast"], limit=30)) == 30
    assert [one["name"] for one in every_page(api, path, "series", type="counter")] == ["hits"]
    assert [one["name"] for one in every_page(api, path, "series", vitals=True)] == ["memory"]
