"""Problems, releases and comparisons as the REST API answers."""

from collections.abc import Callable
from typing import Any

import pytest
from datacat_server.api.app import create_api
from datacat_server.config import Config
from datacat_server.store.sqlite import SqliteStore
from litestar.testing import TestClient

Send = Callable[..., Any]
Api = TestClient[Any]
DAY = 86_400_000_000  # microseconds


def exception(kind: str, function: str = "load", **more: Any) -> dict[str, Any]:
    lines = ["Traceback (most recent call last):", f'  File "/srv/game/main.py", line 3, in {function}', f"{kind}: x"]
    return {"kind": "event", "name": "e", "exception_type": kind, "exception_msg": "no map", "stacktrace": lines} | more


def crash(**data: Any) -> dict[str, Any]:
    return {"kind": "status", "status": "crashed", "reason": "why", "data": data}


def problems(api: Api, **wanted: Any) -> list[dict[str, Any]]:
    answer = api.get("/api/problems", params=wanted)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["problems"]
    return found


@pytest.fixture
def some(send: Send) -> None:
    """Three problems of two products: the newest is the hang, the most frequent the KeyError."""
    send("s1", "1-0", 0, [exception("KeyError"), exception("KeyError"), exception("ValueError", "draw")])
    send("s2", "1-0", 0, [exception("KeyError")], version="1.1", machine_id="m1", hostname="bluebird")
    hung = {"kind": "status", "status": "hung", "time": 1_795_298_500_000_000}
    send("s3", "1-0", 0, [hung, hung], product="Shop")


@pytest.mark.usefixtures("some")
@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({}, ["Hang", "ValueError in draw", "KeyError in load"]),
        ({"product": "Game"}, ["ValueError in draw", "KeyError in load"]),
        ({"version": "1.1"}, ["KeyError in load"]),
        ({"kind": "hang"}, ["Hang"]),
        ({"kind": "crash"}, []),
        ({"q": "DRAW"}, ["ValueError in draw"]),
        ({"q": "main.py"}, ["ValueError in draw", "KeyError in load"]),
        ({"status": "resolved"}, []),
        ({"from": "2026-11-21T22:00:00.000003Z"}, ["Hang", "ValueError in draw"]),
        ({"to": "2026-11-21T22:00:00.000003Z"}, ["KeyError in load"]),
        ({"sort": "-count"}, ["KeyError in load", "Hang", "ValueError in draw"]),
        ({"sort": "first_seen"}, ["KeyError in load", "ValueError in draw", "Hang"]),
    ],
)
def test_a_list_of_problems_is_filtered_and_sorted(api: Api, wanted: dict[str, str], expected: list[str]) -> None:
    found = [problem["title"] for problem in problems(api, **wanted)]
    assert found == expected


@pytest.mark.usefixtures("some")
@pytest.mark.parametrize("sort", ["-last_seen", "last_seen", "first_seen", "-count", "sessions"])
def test_pages_of_problems_hold_each_once(api: Api, sort: str) -> None:
    found, cursor = [], None
    while True:
        page = api.get(
            "/api/problems", params={"limit": 1, "sort": sort} | ({"cursor": cursor} if cursor else {})
        ).json()
        found += page["problems"]
        if (cursor := page["cursor"]) is None:
            break
    assert found == problems(api, sort=sort)


@pytest.mark.usefixtures("some")
def test_a_problem_says_where_since_when_and_in_which_versions(api: Api) -> None:
    [listed] = problems(api, q="keyerror")
    problem = api.get(f"/api/problems/{listed['id']}").json()
    assert {name: problem[name] for name in listed} == listed
    assert (problem["count"], problem["sessions"], problem["machines"], problem["versions"]) == (3, 2, 1, 2)
    assert (problem["culprit"], problem["message"], problem["new_in"]) == ("load (main.py)", "no map", "1.0")
    assert problem["frames"] == [{"file": "main.py", "function": "load"}]
    assert {one["version"]: one["count"] for one in problem["in_versions"]} == {"1.0": 2, "1.1": 1}
    assert problem["on_machines"] == [{"machine": "m1", "hostname": "bluebird", "count": 1, "sessions": 1}]
    assert problem["on_days"] == [{"day": "2026-11-21", "count": 3}]
    assert problem["example"]["lines"] == exception("KeyError")["stacktrace"]
    assert [one["session"]["id"] for one in problem["latest_sessions"]] == ["s1", "s2"]
    first = api.get(f"/api/problems/{listed['id']}/sessions", params={"limit": 1}).json()
    second = api.get(f"/api/problems/{listed['id']}/sessions", params={"limit": 1, "cursor": first["cursor"]}).json()
    assert [*first["sessions"], *second["sessions"]] == problem["latest_sessions"]
    assert second["cursor"] is None
    of_session = api.get("/api/sessions/s1/problems").json()["problems"]
    assert [(one["problem"]["type"], one["count"]) for one in of_session] == [("ValueError", 1), ("KeyError", 2)]


@pytest.mark.usefixtures("some")
def test_a_problem_is_new_while_no_version_is_newer_than_the_one_it_was_first_seen_in(api: Api, send: Send) -> None:
    assert {one["type"]: one["is_new"] for one in problems(api, product="Game")} == {
        "KeyError": False,
        "ValueError": False,
    }
    send("s4", "1-0", 0, [exception("OSError")], version="1.1")
    assert {one["type"]: one["is_new"] for one in problems(api, product="Game")}["OSError"]
    send("s5", version="1.10")
    assert not any(one["is_new"] for one in problems(api, product="Game"))


def test_a_resolved_problem_comes_back_in_a_later_version_only(api: Api, send: Send) -> None:
    send("s1", "1-0", 0, [exception("KeyError")], version="1.9")
    [listed] = problems(api)
    resolved = api.post(f"/api/problems/{listed['id']}/resolve").json()["problem"]
    assert (resolved["status"], resolved["resolved_in"]) == ("resolved", "1.9")
    send("s2", "1-0", 0, [exception("KeyError")], version="1.9")
    send("s3", "1-0", 0, [exception("KeyError")], version="1.8")
    [still] = problems(api, status="resolved")
    assert (still["count"], still["regressed_in"]) == (3, None)
    send("s4", "1-0", 0, [exception("KeyError")], version="1.10")
    [back] = problems(api)
    assert (back["status"], back["resolved_in"], back["regressed_in"]) == ("regressed", "1.9", "1.10")
    assert back["regressed_at"] == back["last_seen"]
    again = api.post(f"/api/problems/{listed['id']}/reopen").json()["problem"]
    assert (again["status"], again["resolved_in"], again["regressed_in"]) == ("open", None, None)


def test_a_problem_can_be_resolved_in_a_version_that_is_still_to_come(api: Api, send: Send) -> None:
    send("s1", "1-0", 0, [exception("KeyError")], version="1.0")
    [listed] = problems(api)
    resolved = api.post(f"/api/problems/{listed['id']}/resolve", json={"version": "2.0"}).json()
    assert resolved["problem"]["resolved_in"] == "2.0"
    for session, version, status in (
        ("s2", "1.5", "resolved"),
        ("s3", "2.0", "resolved"),
        ("s4", "2.0.1", "regressed"),
    ):
        send(session, "1-0", 0, [exception("KeyError")], version=version)
        assert problems(api)[0]["status"] == status, version


def test_what_a_session_is_told_later_counts_for_a_resolved_problem_too(api: Api, send: Send) -> None:
    """Its version was not known when its exception came in."""
    send("s1", "1-0", 0, [exception("KeyError")], version="1.0")
    [listed] = problems(api)
    api.post(f"/api/problems/{listed['id']}/resolve")
    send("s2", "1-0", 0, [exception("KeyError")], version="0.9")
    assert problems(api)[0]["status"] == "resolved"
    send("s2", version="1.1")
    assert problems(api)[0]["status"] == "regressed"


def test_an_ignored_problem_is_counted_and_never_comes_back(api: Api, send: Send) -> None:
    send("s1", "1-0", 0, [exception("KeyError")], version="1.0")
    [listed] = problems(api)
    assert api.post(f"/api/problems/{listed['id']}/ignore").json()["problem"]["status"] == "ignored"
    send("s2", "1-0", 0, [exception("KeyError")], version="2.0")
    assert [(one["status"], one["count"]) for one in problems(api)] == [("ignored", 2)]


def test_a_crash_without_a_stack_is_told_by_what_the_program_printed_last(api: Api, send: Send) -> None:
    tail = ["loading", "panic: no map", "", "goroutine 1 [running]:", "main.main()", "\t/build/game/main.go:3 +0x1"]
    finished = {"kind": "event", "name": "program_finished", "data": {"exit_code": 2, "output_tail": tail}}
    send("s1", "1-0", 0, [finished, crash(kind="exit", exit_code=2)])
    [found] = problems(api)
    assert (found["kind"], found["title"], found["culprit"]) == (
        "crash",
        "Panic: no map in main.main",
        "main.main (main.go)",
    )
    assert api.get(f"/api/problems/{found['id']}").json()["example"]["lines"] == tail


def test_a_crash_that_nobody_explains_is_by_the_exception_just_before_it(api: Api, send: Send) -> None:
    send("s1", "1-0", 0, [exception("KeyError")])
    assert api.post("/api/sessions/s1/crash", json={"reason": "it went down"}).status_code == 200
    send("s2", "1-0", 0, [exception("KeyError"), {"kind": "event", "name": "moved"}])
    assert api.post("/api/sessions/s2/crash", json={"reason": "it went down"}).status_code == 200
    assert {(one["kind"], one["type"], one["count"]) for one in problems(api)} == {
        ("crash", "KeyError", 1), ("exception", "KeyError", 1), ("crash", "it went down", 1),
    }  # fmt: skip


def test_a_release_says_how_its_sessions_fared_day_by_day(api: Api, send: Send) -> None:
    day = 86_400_000_000
    send("s1", "1-0", 0, [crash(kind="unknown")])
    send("s2", "1-0", 0, [{"kind": "status", "status": "hung"}, {"kind": "status", "status": "recovered"}])
    send("s3", "1-0", 0, [{"kind": "status", "status": "ended"}], time=1_795_298_400_000_000 + day)
    send("s4", version="1.1", time=1_795_298_400_000_000 + day)
    newest, oldest = api.get("/api/releases", params={"product": "Game"}).json()["releases"]
    assert (newest["version"], newest["is_newest"], newest["new_problems"]) == ("1.1", True, 0)
    assert (oldest["version"], oldest["is_newest"], oldest["new_problems"]) == ("1.0", False, 2)
    health = {"sessions": 3, "crashed": 1, "hung": 1, "ended": 1, "running": 1}
    assert {name: oldest[name] for name in health} == health
    assert oldest["crash_free"] == oldest["hang_free"] == pytest.approx(200 / 3)
    asked = {"product": "Game", "version": "1.0"}
    course = api.get("/api/releases/days", params=asked).json()
    assert {name: course[name] for name in oldest} == oldest
    assert [(one["day"], one["sessions"], one["crash_free"]) for one in course["days"]] == [
        ("2026-11-21", 2, 50.0), ("2026-11-22", 1, 100.0),
    ]  # fmt: skip
    assert len(api.get("/api/releases/days", params=asked | {"days": 1}).json()["days"]) == 1
    page = api.get("/api/releases", params={"limit": 1}).json()
    rest = api.get("/api/releases", params={"limit": 1, "cursor": page["cursor"]}).json()
    assert [*page["releases"], *rest["releases"]] == [newest, oldest]
    assert rest["cursor"] is None


@pytest.mark.parametrize("order", ["last_seen", "first_seen", "sessions", "crash_free", "hang_free"])
def test_releases_stand_in_the_order_that_is_asked_for_on_all_pages(api: Api, send: Send, order: str) -> None:
    crash, hang = ({"kind": "status", "status": status} for status in ("crashed", "hung"))
    for number, (version, records) in enumerate(
        [("1.0", []), ("1.0", [crash]), ("1.1", [crash]), ("1.2", []), ("1.2", [hang]), ("1.2", [hang]), ("1.3", [])]
    ):
        send(f"s{number}", "1-0", 0, records, version=version, time=1_795_298_400_000_000 + number % 5 * DAY)
    releases = api.get("/api/releases").json()["releases"]
    assert len({release[order] for release in releases}) > 1

    def listed(sort: str) -> list[dict[str, Any]]:
        found, cursor = [], ""
        while cursor is not None:
            page = api.get("/api/releases", params={"sort": sort, "limit": 1, "cursor": cursor}).json()
            found += page["releases"]
            cursor = page["cursor"]
        return found

    ordered = sorted(releases, key=lambda release: (release[order], release["version"]))
    assert listed(order) == ordered
    assert listed(f"-{order}") == ordered[::-1]
    assert api.get("/api/releases?sort=loudest").json()["details"].startswith("sort: expected one of last_seen")


def test_sessions_of_a_problem_that_were_last_seen_at_once_stand_by_what_they_say_themselves(
    api: Api, send: Send
) -> None:
    for session, message in (("s2", "two"), ("s3", "three"), ("s1", "one")):
        send(session, "1-0", 0, [exception("KeyError", exception_msg=message)])
    [problem] = problems(api)
    assert problem["message"] == "three"
    address = f"/api/problems/{problem['id']}"
    assert [one["session"]["id"] for one in api.get(address).json()["latest_sessions"]] == ["s3", "s2", "s1"]
    found, cursor = [], ""
    while cursor is not None:
        page = api.get(f"{address}/sessions", params={"limit": 1, "cursor": cursor}).json()
        found += [one["session"]["id"] for one in page["sessions"]]
        cursor = page["cursor"]
    assert found == ["s3", "s2", "s1"]


def test_sessions_are_compared_in_state_metrics_and_events(api: Api, send: Send) -> None:
    def records(level: int, fps: list[int]) -> list[dict[str, Any]]:
        return [
            {"kind": "state", "state": {"level": level, "window": {"size.x": 3, "open": ["map"]}}},
            *({"kind": "metric", "name": "fps", "value": value, "tags": ["a"]} for value in fps),
            *({"kind": "event", "name": "moved"} for _ in range(level)),
        ]

    send("s1", "1-0", 0, records(1, [10, 30]))
    send("s2", "1-0", 0, [*records(2, [10]), {"kind": "metric", "name": "only", "value": 1}])
    answer = api.get("/api/compare", params={"session": ["s2", "s1"]}).json()
    assert [session["id"] for session in answer["sessions"]] == ["s2", "s1"]
    state = {row["path"]: (row["differs"], row["values"]) for row in answer["state"]}
    assert state == {
        "level": (True, [2, 1]),
        "product": (False, ["Game", "Game"]),
        "version": (False, ["1.0", "1.0"]),
        "window.open": (False, [["map"], ["map"]]),
        r"window.size\.x": (False, [3, 3]),
    }
    fps, only = answer["metrics"]
    assert (fps["name"], fps["tags"], fps["differs"]) == ("fps", ["a"], True)
    assert fps["values"][1] == {"count": 2, "mean": 20.0, "minimum": 10.0, "maximum": 30.0, "last": 30.0}
    assert (only["differs"], only["values"][1]) == (True, None)
    assert answer["events"] == [{"name": "moved", "level": "info", "differs": True, "counts": [2, 1]}]
    assert not (answer["state_is_cut"] or answer["metrics_are_cut"] or answer["events_are_cut"])


def test_a_comparison_of_too_much_is_cut_and_keeps_what_differs(api: Api, send: Send) -> None:
    same = {f"k{number:04}": number for number in range(1_500)}
    long = {"text": "m" * 50_000}
    send("s1", "1-0", 0, [{"kind": "state", "state": same | long | {"z": 1}}])
    send("s2", "1-0", 0, [{"kind": "state", "state": same | {"text": "m" * 50_001, "z": 2}}])
    answer = api.get("/api/compare", params={"session": ["s1", "s2"]}).json()
    assert answer["state_is_cut"]
    assert len(answer["state"]) == 1_000
    differing = {row["path"]: row["values"] for row in answer["state"] if row["differs"]}
    assert differing["z"] == [1, 2]
    assert [len(value) < 1_010 and value.endswith("…") for value in differing["text"]] == [True, True]


@pytest.mark.parametrize(
    ("path", "status", "details"),
    [
        ("/api/problems?kind=loud", 400, "kind: expected one of crash, hang, exception"),
        ("/api/problems?status=loud", 400, "status: expected one of"),
        ("/api/problems?sort=loud", 400, "sort: expected one of"),
        ("/api/problems?cursor=loud", 400, "cursor: "),
        ("/api/problems?from=loud", 400, "from: expected"),
        ("/api/problems?machine=m", 400, "machine: is no query parameter here"),
        ("/api/problems/none", 404, "there is no problem 'none'"),
        ("/api/problems/none/sessions", 404, "there is no problem 'none'"),
        ("/api/sessions/none/problems", 404, "there is no session 'none'"),
        ("/api/releases?cursor=loud", 400, "cursor: "),
        ("/api/releases?cursor=-last_seen:1:a", 400, "cursor: "),
        ("/api/releases?cursor=-last_seen:9999999999999999999:a:b", 200, ""),
        ("/api/releases/days?product=Game&version=none", 404, "there is no session of 'Game' 'none'"),
        ("/api/compare?session=s1", 400, "session: expected 2 to 10 ids"),
        ("/api/compare?session=s1&session=s1", 400, "session: the same id"),
        ("/api/compare?session=s1&session=none", 404, "there is no session 'none'"),
    ],
)
def test_what_cannot_be_answered_is_refused_by_name(api: Api, send: Send, path: str, status: int, details: str) -> None:
    send("s1")
    answer = api.get(path)
    assert (answer.status_code, answer.json().get("details", "")[: len(details)]) == (status, details)


@pytest.mark.parametrize(("call", "status"), [("resolve", "resolved"), ("reopen", "open"), ("ignore", "ignored")])
def test_a_mark_that_worked_is_answered_like_every_post(api: Api, send: Send, call: str, status: str) -> None:
    send("s1", "1-0", 0, [exception("KeyError")])
    [listed] = problems(api)
    answer = api.post(f"/api/problems/{listed['id']}/{call}").json()
    problem = api.get(f"/api/problems/{listed['id']}").json()
    assert answer == {"status": "ok", "success": True, "problem": problem}
    assert problem["status"] == status


def test_a_resolution_that_is_none_is_refused(api: Api, send: Send) -> None:
    send("s1", "1-0", 0, [exception("KeyError")])
    [listed] = problems(api)
    for body in ({"version": 3}, {"version": ""}, {"version": "x" * 1_001}, []):
        answer = api.post(f"/api/problems/{listed['id']}/resolve", json=body)
        assert answer.status_code == 400, body
    assert problems(api)[0]["status"] == "open"
    assert api.post("/api/problems/none/resolve").status_code == 404


def test_only_an_admin_resolves_problems(store: SqliteStore, send: Send, make_key: Callable[..., str]) -> None:
    send("s1", "1-0", 0, [exception("KeyError")])
    with TestClient(create_api(store, Config(require_api_key=True))) as client:
        reader = {"Authorization": f"Bearer {make_key('reader', 'read')}"}
        admin = {"Authorization": f"Bearer {make_key('chief', 'admin')}"}
        [listed] = client.get("/api/problems", headers=reader).json()["problems"]
        for call in ("resolve", "reopen", "ignore"):
            assert client.post(f"/api/problems/{listed['id']}/{call}", headers=reader).status_code == 403
            assert client.post(f"/api/problems/{listed['id']}/{call}", headers=admin).status_code == 200
