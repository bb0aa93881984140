"""What the page of one session reads: paged and folded views agree with the whole session."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from datacat_server.ingest.result import IngestResult
from datacat_server.model import Level
from datacat_server.store.sqlite import SqliteStore
from datacat_server.store.views import EventQuery

Send = Callable[..., IngestResult]
START = datetime(2026, 11, 21, 22, tzinfo=UTC)
MICROS = int(START.timestamp()) * 1_000_000
LEVELS = ["debug", "info", "warning", "error", "critical"]


def events(count: int) -> list[dict[str, Any]]:
    return [
        {"kind": "event", "name": f"e{n}", "level": LEVELS[n % 5], "time": MICROS + n // 2 * 1_000_000}
        | ({"exception_type": "E"} if n % 10 == 3 else {})
        for n in range(count)
    ]


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, list(range(40))[::-1]),
        ({"level": Level.ERROR}, [n for n in range(40) if n % 5 == 3][::-1]),
        ({"level": Level.INFO}, [n for n in range(40) if n % 5 == 1][::-1]),
        ({"min_level": Level.ERROR}, [n for n in range(40) if n % 5 >= 3][::-1]),
        ({"exceptions": True}, [33, 23, 13, 3]),
    ],
)
def test_pages_of_events_hold_each_once_newest_first(
    store: SqliteStore, send: Send, filters: dict[str, Any], expected: list[int]
) -> None:
    send("s1", "1-0", 0, events(40))
    send("s2", "1-0", 0, events(3))
    found = []
    cursor = None
    while True:
        page = store.event_page("s1", EventQuery(**filters), limit=3, cursor=cursor)
        found += page.events
        cursor = page.cursor
        if cursor is None:
            break
    assert [stored.event.name for stored in found] == [f"e{n}" for n in expected]
    assert store.event("s1", found[0].number) == found[0]
    with pytest.raises(LookupError):
        store.event("s2", found[0].number)
    with pytest.raises(LookupError):
        store.event("s1", -1)


def test_an_event_page_refuses_what_is_none(store: SqliteStore, send: Send) -> None:
    send("s1")
    with pytest.raises(ValueError, match="cursor"):
        store.event_page("s1", cursor="loud")


def test_a_timeline_counts_everything_once(store: SqliteStore, send: Send) -> None:
    records = [*events(40), {"kind": "state", "state": {"a": 1}, "time": MICROS + 19_999_999}]
    send("s1", "1-0", 0, records)
    begin, end = START + timedelta(seconds=5), START + timedelta(seconds=15)
    assert [sum(counts) for counts in store.timeline("s1", begin, end, 10).levels.values()] == [4] * 5
    line = store.timeline("s1", begin, end, 10, outside=True)
    assert [sum(line.levels[level][at] for level in LEVELS) for at in range(10)] == [12, *[2] * 8, 12]
    assert {level: sum(counts) for level, counts in line.levels.items()} == dict.fromkeys(LEVELS, 8)
    assert sum(line.exceptions) == 4
    assert line.state_changes == [0] * 9 + [1]
    # A range as long as time itself, or empty, is no trouble.
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    assert store.timeline("s1", epoch, datetime(9999, 12, 31, tzinfo=UTC), 10_000).levels["info"][70] == 8
    assert sum(store.timeline("s1", START, START, 2, outside=True).levels["info"]) == 8
    assert sum(store.timeline("s1", START, START, 2).levels["info"]) == 0


def test_a_long_course_is_thinned_and_keeps_its_peaks(store: SqliteStore, send: Send) -> None:
    readings = [{"kind": "metric", "name": "fps", "value": 60 + n % 7} for n in range(5000)]
    readings[1234]["value"], readings[4321]["value"] = 500, -3
    send("s1", "1-0", 0, [*readings, {"kind": "metric", "name": "aaa", "value": 1}])
    send("s1", "daemon-1", 0, [{"kind": "metric", "name": "aa", "value": 1}])
    first, fps, vital = store.series("s1", points=100)
    assert (first.name, fps.name, vital.name, vital.vital) == ("aaa", "fps", "aa", True)
    assert (fps.count, fps.minimum, fps.maximum, fps.last) == (5000, -3, 500, 60 + 4999 % 7)
    assert fps.total == sum(reading["value"] for reading in readings)
    assert len(fps.times) == len(fps.values) <= 100
    assert {500, -3} <= set(fps.values)
    assert fps.times == sorted(fps.times)
    assert [series.name for series in store.series("s1", limit=1)] == ["aaa"]
