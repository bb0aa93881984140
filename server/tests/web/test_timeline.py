"""What the time axis draws of a session's metrics, and how far it reaches."""

import re

from datacat_server.store.sqlite import SqliteStore
from datacat_server.store.views import Series
from datacat_server.web.session.timeline.lanes import chosen
from datacat_server.web.shell.course import Box, line, runs, steps
from litestar.testing import TestClient
from support.recordings import Recording

BOX = Box(start=0, seconds=100, width=1000, height=40)


def lanes(html: str) -> list[tuple[str, str]]:
    """Label and path of every lane of a metric."""
    found = re.findall(
        r'data-lane="metric".*?<span class="label" title="([^"]*)">.*?<path class="course[^>]* d="([^"]*)"',
        html,
        re.S,
    )
    return [(label, path) for label, path in found]


def test_a_counter_holds_its_value_through_a_gap_and_to_the_end() -> None:
    path = steps([10, 11, 90], [1, 2, 3], 0, 3, BOX)
    assert path == "M100.0 37.0H100.0V25.7H110.0V14.3H900.0V3.0H1000"
    assert "L" not in path


def test_a_line_breaks_where_nothing_was_read_and_shows_what_stands_alone() -> None:
    times = [*range(10), 50, *range(90, 100)]
    assert list(runs(times)) == [range(10), range(10, 11), range(11, 21)]
    path = line(times, [1.0] * 21, 0, 2, BOX)
    assert path.count("M") == 3
    assert "M500.0 20.0h0" in path


def test_counters_that_differ_in_tags_share_a_lane_with_their_sum(pages: TestClient, store: SqliteStore) -> None:
    recording = Recording("s-1")
    for second in range(10):
        for kind in ("wraith", "golem"):
            recording.metric(second, "enemies_defeated", "counter", delta=2, tags=[f"kind:{kind}"])
    recording.status(40, "ended", "end() was called").send(store)
    [(label, path)] = lanes(pages.get("/sessions/s-1").text)
    assert label == "enemies_defeated sum of 2 tag sets, 0 – 40"
    assert path.endswith("H1000")


def test_one_tag_set_is_named_whole(pages: TestClient, store: SqliteStore) -> None:
    recording = Recording("s-1")
    for second in range(10):
        recording.metric(second, "enemies_defeated", "counter", delta=2, tags=["kind:wraith"])
    recording.send(store)
    html = pages.get("/sessions/s-1").text
    assert "enemies_<wbr>defeated" in html
    assert lanes(html)[0][0] == "enemies_defeated kind:wraith, 0 – 20"


def test_a_session_at_the_end_of_time_has_a_page(pages: TestClient, store: SqliteStore) -> None:
    last = 253_402_300_799.9995
    for number, started in enumerate([last, last - 0.0095, last - 100]):
        Recording(f"s-{number}", started=started).send(store)
        for query in ("", "?at=0", "?at=1e300"):
            assert pages.get(f"/sessions/s-{number}{query}").status_code == 200


def test_of_the_vitals_the_memory_of_the_process_has_a_lane() -> None:
    def rising(name: str, vital: bool) -> Series:
        return Series(
            name=name, type="gauge", unit="bytes", tags=[], vital=vital, count=3, iterations=3,
            total=6, minimum=1, maximum=3, last=3, times=[1, 2, 3], values=[1, 2, 3], buckets=[],
        )  # fmt: skip

    vitals = ["daemon_resident_memory_bytes", "process_cpu_percent", "process_resident_memory_bytes"]
    series = [rising("fps", False), *(rising(name, True) for name in vitals)]
    assert [group[0].name for group in chosen(series)] == ["fps", "process_resident_memory_bytes"]
