"""Statistics of a session's metrics: exact where all readings are at hand, and said to be estimates where not."""

import statistics

import pytest
from datacat_server.model import Bucket
from datacat_server.store.sqlite import SqliteStore
from datacat_server.store.views import Series
from datacat_server.web.session.spread import quantile, spread
from litestar.testing import TestClient
from support.recordings import Recording


def series(kind: str, values: list[float], count: int | None = None, buckets: list[Bucket] | None = None) -> Series:
    return Series(
        name="x", type=kind, unit=None, tags=[], vital=False, count=count or len(values), iterations=len(values),
        total=sum(values), minimum=min(values), maximum=max(values), last=values[-1],
        times=[float(place) for place in range(len(values))], values=values, buckets=buckets or [],
    )  # fmt: skip


def test_deviation_and_median_are_exact_where_every_reading_is_at_hand() -> None:
    values = [3.0, 1.0, 4.0, 1.0, 5.0]
    found = spread(series("gauge", values))
    assert found
    assert found.exact
    assert found.deviation == pytest.approx(statistics.pstdev(values))
    assert found.median == statistics.median(values)


def test_of_a_thinned_series_they_are_estimates() -> None:
    found = spread(series("gauge", [1.0, 2.0, 3.0], count=5_000))
    assert found
    assert not found.exact


def test_quantiles_lie_within_their_bucket_and_within_all_samples() -> None:
    held = series("histogram", [0.2, 7.0], 100, [Bucket(1, 50), Bucket(2, 45), Bucket(5, 0), Bucket(None, 5)])
    assert quantile(held, 0.25) == pytest.approx(0.6)
    assert quantile(held, 0.5) == 1
    assert quantile(held, 0.95) == 2
    assert quantile(held, 0.99) == pytest.approx(6.6)
    assert quantile(series("histogram", [0.0]), 0.5) is None


def test_numbers_whose_square_is_none_have_a_deviation() -> None:
    found = spread(series("gauge", [1e308, -1e308]))
    assert found
    assert found.deviation == float("inf")


def test_a_metric_is_put_on_the_time_axis_and_taken_off(pages: TestClient, store: SqliteStore) -> None:
    recording = Recording("s-1")
    for second in range(10):
        for name in ("a", "b", "c", "d"):
            recording.metric(second, name, "gauge", value=second, tags=["k:1"] if name == "d" else [])
    recording.send(store)
    page = pages.get("/sessions/s-1").text
    assert page.count('data-lane="metric"') == 3
    chosen = pages.get("/sessions/s-1", params={"lane": ["d{k:1}", "a"]}).text
    assert [f'data-key="{key}"' in chosen for key in ("a", "b", "c", "d{k:1}")] == [True, False, False, True]
    assert "/sessions/s-1?lane=a#" not in chosen
    assert 'href="/sessions/s-1?lane=a"' in chosen  # where d is taken off
    assert pages.get("/sessions/s-1?lane=").text.count('data-lane="metric"') == 0
