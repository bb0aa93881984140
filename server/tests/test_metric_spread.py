"""How a metric spreads over many sessions, against a slow recount of the same readings."""

import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from datacat_server.filters import EVERY, parse_filter
from datacat_server.ingest.decode import decode_batches
from datacat_server.store.metrics import Aggregate
from datacat_server.store.spread import Range, Scale
from datacat_server.store.sqlite import SqliteStore
from datacat_server.store.sqlite.reading import sampling
from datacat_server.store.views import MetricFilter
from support.recordings import Recording

MEMORY = MetricFilter(name="memory")
FOLD = {Aggregate.PEAK: max, Aggregate.AVERAGE: statistics.fmean, Aggregate.MINIMUM: min}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    store = SqliteStore(tmp_path / "data")
    yield store
    store.close()


def fill(store: SqliteStore, sessions: int, readings: int = 3) -> dict[str, list[float]]:
    """Sessions with readings, some with two tag sets; what each has."""
    told: dict[str, list[float]] = {}
    batches: list[Any] = []
    for number in range(sessions):
        recording = Recording(f"s-{number}", product=f"P{number % 2}", version=f"1.{number % 5}")
        recording.state(0.1, open=["space probe" if number % 3 == 0 else "map"])
        values = [float((number * 37 + place * 11) % 997) for place in range(readings)]
        for place, value in enumerate(values):
            tags = [f"t:{place % 2}"] if number % 4 == 0 else []
            recording.metric(1 + place, "memory", "gauge", value=value, unit="MB", tags=tags)
        batches += decode_batches(recording.body())[0]
        told[recording.id] = values
    store.ingest(batches)
    return told


@pytest.mark.parametrize("aggregate", FOLD)
def test_the_spread_is_that_of_all_sessions_and_not_of_the_newest(store: SqliteStore, aggregate: Aggregate) -> None:
    told = fill(store, 1_200)
    spread = store.metric_spread(MEMORY, aggregate)
    values = {name: FOLD[aggregate](some) for name, some in told.items()}
    assert spread.sessions == 1_200
    assert spread.box is not None
    assert spread.box.count == sum(one.count for one in spread.bins) == 1_200
    assert spread.box.median == pytest.approx(statistics.median(values.values()))
    assert (spread.box.minimum, spread.box.maximum) == pytest.approx((min(values.values()), max(values.values())))
    assert [one.value for one in spread.highest] == pytest.approx(sorted(values.values(), reverse=True)[:8])
    assert [one.value for one in spread.lowest] == pytest.approx(sorted(values.values())[:8])
    assert all(values[one.session.id] == pytest.approx(one.value) for one in spread.highest + spread.lowest)
    assert spread.units == ["MB"]
    for version in spread.versions:
        own = [
            value
            for name, value in values.items()
            if f"P{int(name[2:]) % 2}" == version.product and f"1.{int(name[2:]) % 5}" == version.version
        ]
        assert (version.box.count, version.box.median) == (len(own), pytest.approx(statistics.median(own)))


def test_a_spread_is_of_the_sessions_of_a_filter_and_of_values_within_a_range(store: SqliteStore) -> None:
    told = fill(store, 300)
    probe = parse_filter([("ever_contains", "open:space probe"), ("product", "P0")])
    meant = {name: max(some) for name, some in told.items() if int(name[2:]) % 6 == 0}
    spread = store.metric_spread(MEMORY, Aggregate.PEAK, probe)
    assert spread.sessions == len(meant)
    within = store.metric_spread(MEMORY, Aggregate.PEAK, probe, within=Range(200, 700), edges=500)
    inside = {name for name, value in meant.items() if 200 <= value < 700}
    assert {one.session.id for one in within.highest} == inside
    assert within.sessions == len(meant)
    nothing = store.metric_spread(MEMORY, Aggregate.PEAK, within=Range(5_000, None))
    assert (nothing.box, nothing.bins, nothing.highest) == (None, [], [])
    assert store.metric_spread(MetricFilter(name="other"), Aggregate.PEAK).sessions == 0


def test_removed_sessions_are_in_no_spread(store: SqliteStore) -> None:
    fill(store, 40)
    store.delete("s-7")
    for aggregate in Aggregate:
        spread = store.metric_spread(MEMORY, aggregate, edges=50)
        assert spread.sessions == 39
        assert "s-7" not in {one.session.id for one in spread.highest + spread.lowest}


def test_every_reading_counts_up_to_a_bound_and_then_a_sample_taken_evenly(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = fill(store, 60, readings=30)
    every = [value for some in told.values() for value in some]
    whole = store.metric_spread(MEMORY, Aggregate.ALL)
    assert (whole.readings, whole.sampled) == (1_800, 1_800)
    assert whole.box is not None
    assert whole.box.median == pytest.approx(statistics.median(every))
    monkeypatch.setattr(sampling, "READINGS", 600)
    monkeypatch.setattr(sampling, "_BLOCK", 7)
    some = store.metric_spread(MEMORY, Aggregate.ALL)
    assert some.readings == 1_800
    assert some.sampled is not None
    assert 500 <= some.sampled <= 700
    assert some.box is not None
    assert some.box.median == pytest.approx(statistics.median(every), abs=120)
    # The edges are of all readings, sampled or not.
    assert some.highest[0].value == max(every)
    assert some.lowest[0].value == min(every)


def test_a_scale_is_as_it_is_asked_for_where_values_allow_it(store: SqliteStore) -> None:
    fill(store, 20)
    assert store.metric_spread(MEMORY, Aggregate.PEAK, scale=Scale.LOG).is_log
    assert not store.metric_spread(MEMORY, Aggregate.PEAK, scale=Scale.LINEAR).is_log
    Recording("negative").metric(1, "memory", "gauge", value=-5.0).send(store)
    assert not store.metric_spread(MEMORY, Aggregate.PEAK, EVERY, scale=Scale.LOG).is_log


def test_states_to_choose_by_are_windows_first_and_no_measures(store: SqliteStore) -> None:
    for number in range(30):
        Recording(f"s-{number}").state(
            0.1,
            window_state={"open": ["space probe" if number % 3 else "map"]},
            difficulty="hard" if number % 2 else "easy",
            score=number,
            seed=f"{number}-{number}",
            always="so",
        ).send(store)
    found = store.state_choices()
    assert [one.path for one in found] == ["window_state.open", "difficulty", "seed"]
    assert found[0].elements
    assert found[0].values == [("space probe", 20), ("map", 10)]
