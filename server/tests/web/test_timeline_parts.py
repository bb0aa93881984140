"""What a session's page is made of that can be asked for by itself: folded counts of a view, the state, more events."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from datacat_server.store.sqlite import SqliteStore
from datacat_server.web.session.timeline.axis import View, grid, view
from litestar.testing import TestClient
from support.recordings import Recording, exception, played, segfault


def test_a_view_is_folded_into_about_as_many_buckets_as_are_asked_for(pages: TestClient, store: SqliteStore) -> None:
    recording = Recording("s-1")
    for number in range(1000):
        recording.event(number / 10, "moved", level="error" if number == 505 else "info")
    recording.state(50.2, level=2).status(100, "ended", "End").send(store)
    whole = pages.get("/sessions/s-1/timeline.json?buckets=100").json()
    assert sum(whole["levels"]["info"]) == 999
    assert 50 <= len(whole["exceptions"]) <= 101
    near = pages.get("/sessions/s-1/timeline.json?from=50&to=51&buckets=50").json()
    assert near["begin"] <= 50
    assert near["begin"] + near["step"] * len(near["exceptions"]) >= 51
    assert sum(near["levels"]["error"]) == 1
    assert sum(near["state_changes"]) == 1
    assert near["step"] <= 1 / 25


def test_buckets_stay_where_they_were_when_a_view_moves() -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    first, second = grid(start, View(10.0, 20.0)), grid(start, View(11.3, 21.3))
    step = (first.end - first.start) / first.count
    assert (second.start - first.start) % step == timedelta(0)


@pytest.mark.parametrize(
    ("begin", "end"), [(None, None), (5.0, 5.0), (9.0, 1.0), (-3.0, 500.0), (float("nan"), float("inf"))]
)
def test_a_view_that_is_none_is_all_of_the_axis(begin: float | None, end: float | None) -> None:
    assert view(begin, end, 100.0) == View(0.0, 100.0)


def test_the_course_of_a_metric_that_is_asked_for_comes_with_the_counts(pages: TestClient, store: SqliteStore) -> None:
    recording = Recording("s-1")
    for second in [*range(10), *range(60, 100)]:
        recording.metric(second, "fps", "gauge", value=second, unit="fps")
    recording.status(100, "ended", "End").send(store)
    answer = pages.get("/sessions/s-1/timeline.json?lane=fps&lane=none").json()
    [lane] = answer["lanes"]
    assert (lane["key"], lane["low"], lane["high"], lane["steps"]) == ("fps", 0, 99, False)
    assert None in lane["values"]  # the gap
    near = pages.get("/sessions/s-1/timeline.json?lane=fps&from=70&to=80").json()["lanes"][0]
    assert near["times"][0] <= 70 <= 80 <= near["times"][-1]
    assert len(near["times"]) < 15


def test_the_stretches_of_a_hang_are_told(pages: TestClient, store: SqliteStore) -> None:
    recording = played(Recording("s-1"), 10).status(12, "hung", "no heartbeat for 2 s", silent_seconds=2.0)
    recording.status(20, "recovered", "answered again").status(30, "ended", "End").send(store)
    phases = pages.get("/sessions/s-1/timeline.json").json()["phases"]
    assert [(phase["status"], phase["begin"], phase["end"]) for phase in phases] == [
        ("active", 0, 10), ("hung", 10, 20), ("active", 20, 30),
    ]  # fmt: skip


def test_the_state_leads_to_the_change_before_and_to_the_next(pages: TestClient, store: SqliteStore) -> None:
    Recording("s-1").state(1, level=1).state(5, level=2).state(9, level=3).status(10, "ended", "End").send(store)
    part = pages.get("/sessions/s-1/state?at=6&level=error").text
    assert part.lstrip().startswith('<section id="state"')
    assert "changed 1 s before" in part
    found = dict(re.findall(r'href="([^"]+)" data-keep data-step="(\w+)"', part))
    assert {way: address.replace("&amp;", "&") for address, way in found.items()} == {
        "previous": "/sessions/s-1?at=1&level=error",
        "next": "/sessions/s-1?at=9&level=error",
    }
    known = pages.get("/sessions/s-1/state.json?at=6").json()
    assert known["state"]["level"] == 2
    assert known["changed"] == ["level"]


def test_events_can_be_picked_by_all_that_they_have(pages: TestClient, store: SqliteStore) -> None:
    recording = Recording("s-1").event(1, "a", category="disk", group="io", labels=["slow"], message="hello there")
    recording.event(2, "b", category="net", data={"x": "Hidden"}).event(3, "c", level="warning")
    exception(recording, 4).send(store)
    for query, names in (
        ("category=disk", ["a"]),
        ("label=slow", ["a"]),
        ("group=io", ["a"]),
        ("name=b", ["b"]),
        ("q=HELLO", ["a"]),
        ("q=hidden", ["b"]),
        ("level=exception", ["exception"]),
        ("level=warning&q=zzz", []),
        ("span=view&from=1.5&to=3.5", ["c", "b"]),
    ):
        answer = pages.get(f"/sessions/s-1/events.json?{query}").json()
        assert [held["event"]["name"] for held in answer["events"]] == names, query
        page = pages.get(f"/sessions/s-1?{query}").text
        assert page.count('class="event-row"') == len(names), query


def test_older_events_come_as_rows_and_keep_what_was_picked(pages: TestClient, store: SqliteStore) -> None:
    recording = Recording("s-1")
    for number in range(130):
        recording.event(number, f"event-{number:03}", category="x")
    recording.send(store)
    page = pages.get("/sessions/s-1?category=x&at=3").text
    older = re.search(r'data-older="([^"]+)"', page)
    assert older
    rows = pages.get(older[1].replace("&amp;", "&").replace("/s-1?", "/s-1/events?")).text.replace("<wbr>", "")
    assert "event-079</b>" in rows
    assert "event-080</b>" not in rows
    assert "<html" not in rows
    assert "category=x" in rows


def test_a_question_that_is_none_is_told(pages: TestClient, store: SqliteStore) -> None:
    Recording("s-1").send(store)
    for query, said in (("at=x", "at: "), ("from=soon", "from: "), ("level=loud", "level: "), ("cursor=zz", "cursor")):
        answer = pages.get(f"/sessions/s-1?{query}")
        assert (answer.status_code, said in answer.text) == (400, True), query
    for part in ("state", "state.json", "events", "events.json", "timeline.json"):
        assert pages.get(f"/sessions/none/{part}").status_code == 404


def test_the_verdict_says_whether_it_is_only_this_one(pages: TestClient, store: SqliteStore) -> None:
    segfault(Recording("s-1", version="1.4.1"), 20).send(store)
    assert "Only this one so far" in pages.get("/sessions/s-1").text
    segfault(Recording("s-2"), 20).send(store)
    page = pages.get("/sessions/s-2").text
    assert "Not only this one: <b>1 other session</b>, in 2 versions since <bdi>1.4.1</bdi>, on 1 machine." in page
    assert f'href="/problems/{store.session_problems("s-2")[0].problem.id}"' in page


def test_a_part_of_the_axis_has_metrics_as_exact_as_there_is_room_for(pages: TestClient, store: SqliteStore) -> None:
    recording = Recording("s-1")
    for number in range(4_000):
        recording.metric(number / 40, "fps", "gauge", value=500 if number == 2_000 else number % 10, unit="fps")
    recording.status(100, "ended", "End").send(store)
    (near,) = pages.get("/sessions/s-1/timeline.json?from=40&to=60&buckets=50&lane=fps").json()["lanes"]
    assert max(near["highs"]) == 500
    assert len(near["times"]) == len(near["values"]) == len(near["lows"]) <= 55
    (nearer,) = pages.get("/sessions/s-1/timeline.json?from=49.9&to=50.1&buckets=50&lane=fps").json()["lanes"]
    assert 8 <= len(nearer["times"]) <= 12
    assert 500 in nearer["values"]
    assert nearer["lows"] == []
    assert (nearer["low"], nearer["high"]) == (near["low"], near["high"]) == (0, 500)
    assert 'data-key="fps"' in pages.get("/sessions/s-1?from=40&to=60").text


def test_events_up_to_an_instant_are_asked_for_and_the_one_there_is_marked(
    pages: TestClient, store: SqliteStore
) -> None:
    recording = Recording("s-1")
    for number in range(100):
        recording.event(number, f"event-{number:03}")
    recording.status(100, "ended", "End").send(store)
    html = pages.get("/sessions/s-1?until=50&at=48.5").text
    assert "event-050</b>" in html
    assert "event-051</b>" not in html
    assert "up to 0:50.000" in html
    (here,) = re.findall(r'class="event-row here".*?<b>(event-\d+)', html, re.DOTALL)
    assert here == "event-048"
    assert pages.get("/sessions/s-1?until=1e300").status_code == 200
    assert pages.get("/sessions/s-1?until=nan").status_code == 200


def test_every_metric_can_be_put_on_the_axis_from_a_list(pages: TestClient, store: SqliteStore) -> None:
    played(Recording("s-1"), 30).send(store)
    menu = re.search(r'id="lanes-menu".*?</details>', pages.get("/sessions/s-1").text, re.DOTALL)
    assert menu
    names = [name.replace("<wbr>", "") for name in re.findall(r"<bdi>(.*?)</bdi>", menu[0])]
    assert names == ["enemies_defeated", "fps", "load_level", "memory"]
    assert menu[0].count('aria-current="true"') == 3
