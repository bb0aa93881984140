"""Events of all sessions in the order in which they came in: each once, whatever its own time says."""

from collections.abc import Callable
from typing import Any

import pytest
from datacat_server.store.sqlite.reading import arrivals as reading
from litestar.testing import TestClient

HOUR = 3_600_000_000


def event(name: str, **fields: Any) -> dict[str, Any]:
    return {"kind": "event", "name": name} | fields


def follow(api: TestClient, after: int, **params: Any) -> tuple[list[str], int]:
    """Names of all that came after a number, and the number to go on with."""
    names = []
    while True:
        page = api.get("/api/events", params={"after": after, "limit": 2} | params).json()
        names += [one["name"] for one in page["events"]]
        after = page["next"]
        if not page["more"]:
            return names, after


def test_events_of_all_sessions_come_in_the_order_of_their_arrival(api: TestClient, send: Callable[..., Any]) -> None:
    send("s1", "1-0", 0, [event("a"), event("b")], product="Game")
    send("s2", "2-0", 0, [event("early", time=HOUR)], product="Tool", version="7")
    page = api.get("/api/events").json()
    assert [one["name"] for one in page["events"]] == ["a", "b", "early"]
    assert page["events"][2] | {"session_id": "s2", "product": "Tool", "version": "7"} == page["events"][2]
    assert page["more"] is False
    send("s1", "1-0", 2, [event("c")], product="Game")
    assert follow(api, page["next"])[0] == ["c"]


def test_who_goes_on_with_next_sees_each_event_once(api: TestClient, send: Callable[..., Any]) -> None:
    seen: list[str] = []
    place, sent = 0, 0
    for count in (5, 0, 1, 4, 2, 3):
        for session in ("s1", "s2"):
            send(session, "1-0", sent, [event(f"{session}.{sent + n}", time=HOUR - sent - n) for n in range(count)])
        sent += count
        names, place = follow(api, place)
        seen += names
    assert sorted(seen) == sorted(f"{session}.{n}" for session in ("s1", "s2") for n in range(sent))


def test_a_filter_holds_of_what_is_answered_and_next_goes_beyond_the_rest(
    api: TestClient, send: Callable[..., Any]
) -> None:
    send("s1", "1-0", 0, [event("a", category="io", labels=["x"], level="error"), event("b", message="Hello")])
    send("s2", "2-0", 0, [event("c", level="warning"), event("d", exception_type="E")], product="Tool")
    for params, names in (
        ({"min_level": "warning"}, ["a", "c", "d"]),
        ({"level": "warning"}, ["c"]),
        ({"category": "io"}, ["a"]),
        ({"label": "x"}, ["a"]),
        ({"q": "hELLO"}, ["b"]),
        ({"product": "Tool"}, ["c", "d"]),
        ({"session": "s1"}, ["a", "b"]),
        ({"exceptions": "true"}, ["d"]),
        ({"name": "b"}, ["b"]),
        ({"session": "nobody's"}, []),
    ):
        found, last = follow(api, 0, **params)
        assert (found, last) == (names, 4), params
        assert [one["name"] for one in api.get("/api/events", params=params).json()["events"]] == names


def test_of_the_newest_those_of_a_time_are_picked(api: TestClient, send: Callable[..., Any]) -> None:
    send("s1", "1-0", 0, [event("old", time=HOUR), event("new", time=3 * HOUR)])
    answer = api.get("/api/events", params={"from": "1970-01-01T02:00:00Z"}).json()
    assert [one["name"] for one in answer["events"]] == ["new"]


def test_no_answer_looks_at_more_than_a_bounded_number_of_events(
    api: TestClient, send: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "MOST_READ", 3)
    send("s1", "1-0", 0, [event("rare"), *[event("x") for _ in range(7)], event("rare")])
    first = api.get("/api/events", params={"after": 0, "name": "rare"}).json()
    assert (len(first["events"]), first["next"], first["more"]) == (1, 3, True)
    assert follow(api, 0, name="rare") == (["rare", "rare"], 9)
    assert [one["number"] for one in api.get("/api/events", params={"name": "rare"}).json()["events"]] == [9]


def test_a_number_beyond_all_that_was_not_removed_is_as_the_last_one(api: TestClient, send: Callable[..., Any]) -> None:
    send("s1", "1-0", 0, [event("a")])
    page = api.get("/api/events", params={"after": 1000}).json()
    assert (page["events"], page["next"], page["more"]) == ([], 1, False)
    send("s1", "1-0", 1, [event("b")])
    assert follow(api, page["next"])[0] == ["b"]


def test_what_belongs_to_a_removed_session_is_not_shown(api: TestClient, send: Callable[..., Any]) -> None:
    send("s1", "1-0", 0, [event("a")])
    send("s2", "2-0", 0, [event("b")])
    api.delete("/api/sessions/s1")
    assert follow(api, 0)[0] == ["b"]


@pytest.mark.parametrize("query", ["after=-1", "after=x", "limit=0", "level=loud", "from=never"])
def test_parameters_that_will_not_do_are_refused(api: TestClient, query: str) -> None:
    answer = api.get(f"/api/events?{query}")
    assert answer.status_code == 400
    assert answer.json()["details"].startswith(query.partition("=")[0])
