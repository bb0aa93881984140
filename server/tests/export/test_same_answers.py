"""After export and import into an empty server the REST API gives the same answers, marks of problems too."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from datacat_server.api.app import create_api
from datacat_server.config import Config
from datacat_server.store.sqlite import SqliteStore
from litestar.testing import TestClient

from .conftest import START, exported, imported, ingest

Ask = Callable[..., Any]


def failing(kind: str, function: str) -> dict[str, Any]:
    lines = ["Traceback (most recent call last):", f'  File "/srv/game/main.py", line 3, in {function}', f"{kind}: x"]
    return {"kind": "event", "name": "exception", "exception_type": kind, "exception_msg": "x", "stacktrace": lines}


CRASH = {"kind": "status", "status": "crashed", "data": {"kind": "exception", "exception_type": "OSError"}}
STATE = {"kind": "state", "state": {"window_state": {"open": ["map", "space probe"]}}}
CLOSED = {"kind": "state", "state": {"window_state": {"open": []}}}
FPS = [{"kind": "metric", "name": "fps", "type": "gauge", "value": value} for value in (3, 60, 30)]
QUESTIONS: list[tuple[str, dict[str, Any]]] = [
    *(("/api/problems", {"status": status}) for status in ("open", "resolved", "regressed", "ignored")),
    *(("/api/problems", {"kind": kind}) for kind in ("crash", "hang", "exception")),
    ("/api/problems", {"product": "Game", "version": "1.10", "q": "load"}),
    ("/api/releases", {}),
    ("/api/releases/days", {"product": "Game", "version": "1.10", "days": 3000}),
    *(("/api/metrics", {"name": "fps", "aggregate": how}) for how in ("all", "peak", "average", "minimum")),
    ("/api/metrics", {"name": "fps", "aggregate": "peak", "ever_contains": "window_state.open:space probe"}),
    ("/api/compare", {"session": ["s0", "s1", "s2"]}),
    ("/api/sessions", {"contains": "window_state.open:space probe"}),
    ("/api/sessions", {"ever_contains": "window_state.open:space probe", "status": "crashed"}),
    ("/api/sessions/s1/timeline", {"buckets": 5}),
    ("/api/sessions/s1/problems", {}),
    ("/api/sessions/s1/state", {"at": "2026-11-21T22:00:03Z"}),
    ("/api/data/sessions", {}),
]


@pytest.fixture
def ask(store: SqliteStore, empty: SqliteStore) -> Iterator[tuple[Ask, Ask]]:
    """Asks the first server, and the one that is empty at first."""
    with TestClient(create_api(store, Config())) as first, TestClient(create_api(empty, Config())) as second:

        def asks(client: TestClient) -> Ask:
            def ask(path: str, params: dict[str, Any] | None = None) -> Any:
                answer = client.get(path, params=params or {})
                assert answer.status_code == 200, answer.text
                return answer.json()

            return ask

        yield asks(first), asks(second)


def test_every_view_and_every_mark_of_a_problem_is_the_same_after_export_and_import(
    store: SqliteStore, empty: SqliteStore, ask: tuple[Ask, Ask]
) -> None:
    here, there = ask
    ingest(store, "s0", [STATE, failing("KeyError", "load"), failing("TypeError", "draw"), *FPS], version="1.9")
    for kind, mark in (("KeyError", store.resolve_problem), ("TypeError", store.ignore_problem)):
        [found] = [one for one in store.problems().problems if one.type == kind]
        mark(found.id)
    ingest(store, "s1", [STATE, CLOSED, failing("OSError", "save"), CRASH], version="1.10", machine_id="m1")
    ingest(store, "s2", [failing("KeyError", "load"), *FPS, {"kind": "status", "status": "hung"}], version="1.10")
    [crash] = [one for one in store.problems().problems if one.type == "OSError"]
    store.resolve_problem(crash.id)
    statuses = {one.type: one.status.value for one in store.problems().problems}
    assert statuses == {"KeyError": "regressed", "TypeError": "ignored", "OSError": "resolved", "hang": "open"}
    assert imported(empty, exported(store)).problems == 3
    for path, params in QUESTIONS:
        answer = here(path, params)
        assert there(path, params) == answer, path
        assert answer not in ({}, []), path
    for problem in here("/api/problems")["problems"]:
        for path in (f"/api/problems/{problem['id']}", f"/api/problems/{problem['id']}/sessions"):
            assert there(path) == here(path)


@pytest.mark.parametrize("how", ["all", "peak"])
def test_pages_of_a_metric_are_the_same_after_export_and_import(
    store: SqliteStore, empty: SqliteStore, ask: tuple[Ask, Ask], how: str
) -> None:
    # Their creation is in another order than their arrival, twice the same, and their tags come in any order.
    for name, begin in (("c", 5), ("a", 9), ("d", 5), ("b", 1)):
        tagged = [{"kind": "metric", "name": "fps", "value": 1, "tags": [tag]} for tag in ("z", name)]
        ingest(store, name, tagged, time=START + begin)
    imported(empty, exported(store))

    def pages(ask: Ask) -> list[tuple[str, list[str] | None]]:
        found, cursor = [], None
        while True:
            page = ask(
                "/api/metrics", {"name": "fps", "aggregate": how, "limit": 1} | ({"cursor": cursor} if cursor else {})
            )
            [value] = page["values"]
            found.append((value["session_id"], value.get("tags")))
            if (cursor := page["cursor"]) is None:
                return found

    here, there = map(pages, ask)
    assert there == here
    assert list(dict.fromkeys(name for name, _ in here)) == ["a", "d", "c", "b"]


def test_what_is_ignored_there_does_not_hide_what_was_resolved_here(store: SqliteStore, empty: SqliteStore) -> None:
    for one in (store, empty):
        ingest(one, "s0", [failing("KeyError", "load")])
    [problem] = store.problems().problems
    store.ignore_problem(problem.id)
    empty.resolve_problem(problem.id)
    assert imported(empty, exported(store)).problems == 0
    assert empty.problem(problem.id).status == "resolved"
