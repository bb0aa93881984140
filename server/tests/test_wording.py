"""Numbers and times in words for people."""

import json
from datetime import UTC, datetime

import pytest
from datacat_server import wording
from datacat_server.model import Bucket
from datacat_server.store.views import Series
from datacat_server.web.session.metrics import card, histogram_bars, points, sparkline
from datacat_server.web.shell.course import bounds


@pytest.mark.parametrize(
    ("value", "said"),
    [(0, "0"), (12403, "12,403"), (60.0, "60"), (57.8123, "57.81"), (0.0025, "0.0025"), (1234.5, "1,234"),
     (5e-324, "4.94e-324"), (1.7e308, "1.7e+308"), (-3, "-3"), (10**20, "1e+20"), (0.5, "0.5"), (1e-5, "1e-05")],
)  # fmt: skip
def test_numbers(value: float, said: str) -> None:
    assert wording.number(value) == said


@pytest.mark.parametrize(
    ("value", "unit", "said"),
    [(7, "x" * 400, "7 " + "x" * 19 + "…"),
     (3.8e9, "bytes", "3.8 GB"), (999, "bytes", "999 B"), (0.0162, "seconds", "16.2 ms"), (4.1, "s", "4.1 s"),
     (5e-5, "seconds", "50 µs"), (125, "seconds", "2 min 5 s"), (0, "seconds", "0 s"), (138, "percent", "138 %"),
     (60, "fps", "60 fps"), (7, None, "7"), (-5, "seconds", "-5 s"), (1e30, "bytes", "1e+15 PB")],
)  # fmt: skip
def test_quantities(value: float, unit: str | None, said: str) -> None:
    assert wording.quantity(value, unit) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0 s"), (0.0025, "2.5 ms"), (0.04, "40 ms"), (0.42, "0.42 s"), (9.1, "9.1 s"), (29, "29 s"),
     (843, "14 min 3 s"), (3600, "1 h"), (187200, "2 d 4 h"), (-4, "0 s"), (59.7, "1 min")],
)  # fmt: skip
def test_lengths_of_time(seconds: float, said: str) -> None:
    assert wording.duration(seconds) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0:00.000"),
        (804.118, "13:24.118"),
        (3723.5, "1:02:03.500"),
        (-1.25, "-0:01.250"),
        (59.9996, "1:00.000"),
        (273906.5, "3 d 4:05:06"),
        (2592000, "30 d"),
    ],
)
def test_places_on_the_axis(seconds: float, said: str) -> None:
    assert wording.elapsed(seconds) == said


def test_ranges_name_their_unit_once() -> None:
    assert wording.quantities(58.4, 59.7, "fps") == "58.4 – 59.7 fps"
    assert wording.quantities(4.2e8, 3.5e9, "bytes") == "420 MB – 3.5 GB"


def test_a_histogram_shows_the_buckets_in_use() -> None:
    bars = histogram_bars([Bucket(1, 0), Bucket(2, 4), Bucket(5, 0), Bucket(None, 1), Bucket(9, 0)], "s")
    assert [bar.title for bar in bars] == ["≤ 2 s: 4", "≤ 5 s: 0", "above: 1"]
    assert histogram_bars([], None) == []


def series(times: list[float], values: list[float], kind: str = "gauge") -> Series:
    return Series(
        name="fps", type=kind, unit="fps", tags=[], vital=False, count=len(times), iterations=len(times),
        total=sum(values), minimum=min(values, default=0), maximum=max(values, default=0),
        last=values[-1] if values else 0,
        times=times, values=values, buckets=[],
    )  # fmt: skip


START = datetime.fromtimestamp(0, UTC)


def test_a_line_lies_where_it_was_in_the_life_of_the_session() -> None:
    assert sparkline(series([], []), START, 4) == ""
    assert sparkline(series([1, 2], [5, 5]), START, 4) == "M60.0 22.0L120.0 22.0"


def test_what_hardly_varies_is_not_drawn_from_floor_to_ceiling() -> None:
    assert bounds(23.0, 23.1) == pytest.approx((22.4725, 23.6275))
    assert [bounds(*one) for one in ((5, 5), (0, 9), (-1.7e308, 1.7e308))] == [(5, 5), (0, 9), (-1.7e308, 1.7e308)]


def test_a_chart_breaks_at_a_gap_and_a_counter_does_not() -> None:
    times = [*map(float, range(9)), 100.0, 101.0]
    assert json.loads(points(series(times, [1.0] * 11)))[1].index(None) == 9
    assert None not in json.loads(points(series(times, [1.0] * 11, "counter")))[1]


def test_a_card_names_the_unit_once_and_spans_the_session() -> None:
    shown = card([series([10, 11, 70], [58.4, 60, 64])], datetime.fromtimestamp(5, UTC), 100)
    assert (shown.headline, shown.ends) == ("64 fps", ["0:00", "1:40"])
    assert [(one.name, one.value) for one in shown.figures] == [
        ("average", "60.8"), ("deviation", "2.355"), ("median", "60"), ("min", "58.4"), ("max", "64"), ("count", "3")
    ]  # fmt: skip


def test_a_metric_that_was_read_once_has_no_chart() -> None:
    shown = card([series([10], [1])], datetime.fromtimestamp(5, UTC), 100)
    assert (shown.headline, shown.alone, shown.path, shown.figures) == ("1 fps", "0:05", "", [])


def test_counters_that_differ_in_their_tags_are_one_card() -> None:
    parts = [series([1, 3], [2, 5], "counter"), series([2], [1], "counter")]
    shown = card(parts, START, 4)
    assert (shown.headline, shown.tag_sets) == ("6 fps", [("no tags", "5 fps"), ("no tags", "1 fps")])
    assert json.loads(shown.points)[1][-1] == 6


def test_a_rate_beyond_all_numbers_is_left_out() -> None:
    shown = card([series([1, 2, 3], [1e308, 1e308, 1e308], "counter")], START, 1e-3)
    assert [one.name for one in shown.figures] == ["at last", "count"]
    assert wording.rate(1e308, 1e-3) == "inf /s"


def test_numbers_of_things_and_rates() -> None:
    assert [wording.count(n, "event") for n in (0, 1, 12403)] == ["0 events", "1 event", "12,403 events"]
    assert [wording.rate(n, 10) for n in (7.878, 12403, 0)] == ["0.79 /s", "1,240 /s", "0 /s"]


def test_a_sentence_starts_with_a_capital_but_a_name_stays_a_name() -> None:
    assert wording.sentence_case("killed by SIGSEGV.") == "Killed by SIGSEGV"
    assert wording.sentence_case("end() was called") == "end() was called"
    assert wording.sentence_case("os._exit ended it") == "os._exit ended it"
