"""Metrics in a part of a session's time: as exact as there is room for."""

from datetime import UTC, datetime

import pytest
from datacat_server.store.sqlite import SqliteStore
from datacat_server.store.views import CloseUp, MetricFilter
from support.recordings import Recording

START = 1_700_000_000.0


@pytest.fixture
def long(store: SqliteStore) -> SqliteStore:
    """5,000 readings, one every 10 ms, one of which is far above the others, and a total that falls once."""
    recording = Recording("s-1", started=START)
    for number in range(5_000):
        recording.metric(number / 100, "fps", "gauge", value=1_000 if number == 2_345 else number % 10)
        if number < 3_000:
            recording.metric(number / 100, "hits", "counter", delta=-1 if number == 1_500 else 1)
    recording.send(store)
    return store


def seen(store: SqliteStore, begin: float, end: float, buckets: int = 100, name: str = "fps") -> CloseUp:
    first, last = (datetime.fromtimestamp(START + at, UTC) for at in (begin, end))
    (found,) = store.close_ups("s-1", MetricFilter(name=name), first, last, buckets=buckets)
    return found


def places(found: CloseUp) -> list[float]:
    return [round(time - START, 3) for time in found.times]


def test_a_part_with_few_readings_shows_each_and_one_beyond_either_edge(long: SqliteStore) -> None:
    found = seen(long, 10, 10.05)
    assert places(found) == [9.99, 10.0, 10.01, 10.02, 10.03, 10.04, 10.05]
    assert found.values == found.lows == found.highs == [9, 0, 1, 2, 3, 4, 5]
    assert (found.minimum, found.maximum, found.apart) == (0, 1_000, pytest.approx(0.01))


def test_a_part_with_many_readings_shows_means_and_keeps_its_peaks(long: SqliteStore) -> None:
    found = seen(long, 10, 40, buckets=50)
    assert 25 < len(found.times) <= 53
    assert max(found.highs) == 1_000
    assert places(found) == sorted(places(found))
    for low, mean, high in zip(found.lows, found.values, found.highs, strict=True):
        assert low <= mean <= high
    usual = [mean for mean, high in zip(found.values, found.highs, strict=True) if high < 1_000][5:-5]
    assert usual == pytest.approx([4.5] * len(usual), abs=0.6)


def test_a_running_total_is_what_it_was_at_that_time(long: SqliteStore) -> None:
    found = seen(long, 10, 25, buckets=20, name="hits")
    for at, total in zip(places(found), found.values, strict=True):
        assert total == round(at * 100) + (1 if at < 15 else -1)


def test_of_more_readings_than_are_read_the_peaks_stay_where_they_were(
    long: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("datacat_server.store.sqlite.reading.close_up.MOST_READ", 500)
    found = seen(long, 10, 40, buckets=50)
    assert 25 < len(found.times) <= 53
    peak = found.highs.index(1_000)
    assert found.times[peak] - START == pytest.approx(23.45, abs=1.1)
    assert [high for high in found.highs if high > 9] == [1_000]
    assert places(found) == sorted(places(found))


def test_a_part_without_readings_has_those_on_both_sides_of_it(store: SqliteStore) -> None:
    recording = Recording("s-1", started=START)
    recording.metric(1, "fps", "gauge", value=1).metric(9, "fps", "gauge", value=9).send(store)
    assert places(seen(store, 3, 5)) == [1, 9]
    assert places(seen(store, 10, 12)) == [9]
    assert places(seen(store, -3, -2)) == [1]
