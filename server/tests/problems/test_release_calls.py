"""Releases by what their sessions do now, and several of them at once."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from datacat_server.ingest.result import IngestResult
from datacat_server.store.sqlite import SqliteStore

Send = Callable[..., IngestResult]
START = 1_795_298_400_000_000
DAY = 86_400_000_000


def fate(*statuses: str) -> list[dict[str, Any]]:
    return [{"kind": "status", "status": status} for status in statuses]


def fill(send: Send) -> None:
    for number, statuses in enumerate(
        [(), ("suspended",), ("hung",), ("hung", "recovered"), ("suspended", "resumed"), ("ended",), ("crashed",)]
    ):
        send(f"s{number}", "1-0", 0, fate(*statuses), time=START + number % 2 * DAY)
    for number, statuses in enumerate([("suspended",), ("ended",)]):
        send(f"t{number}", "1-0", 0, fate(*statuses), version="1.1", time=START + number * DAY)


def test_what_runs_in_a_release_is_what_is_active_and_neither_hung_nor_suspended(
    store: SqliteStore, send: Send
) -> None:
    fill(send)
    newest, oldest = store.releases("Game").releases
    assert (newest.version, newest.running, oldest.version, oldest.running) == ("1.1", 0, "1.0", 3)
    assert newest.before is not None
    assert newest.before.running == 3
    course = store.release("Game", "1.0")
    assert (course.running, [day.running for day in course.days]) == (3, [2, 1])
    history = store.release_history("Game", course.days[0].day + timedelta(days=1))
    assert [day.running for day in history.days] == [2, 1]
    assert [(one.version, one.running, [day.running for day in one.days]) for one in history.courses] == [
        ("1.1", 0, [0, 0]),
        ("1.0", 3, [2, 1]),
    ]
    send("s0", "1-0", 0, fate("ended"), time=START)
    assert store.release("Game", "1.0").running == 2


def test_several_releases_asked_for_at_once_are_those_that_there_are_in_this_order(
    store: SqliteStore, send: Send
) -> None:
    fill(send)
    send("other", product="Other", version="1.1")
    names = [("Other", "1.1"), ("Game", "1.0"), ("Game", "3"), ("Nothing", "1.1"), ("Game", "1.1")]
    for days in (1, 90):
        found = store.release_courses(names, days=days)
        assert found == [store.release(*names[place], days=days) for place in (0, 1, 4)]
        assert [len(one.days) for one in found] == [1, min(days, 2), min(days, 2)]
    listed = store.releases().releases
    assert [(one.version, one.before and one.before.version) for one in listed if one.product == "Game"] == [
        ("1.1", "1.0"),
        ("1.0", None),
    ]
    assert store.release_courses([]) == []
