"""How numbers are cut into bins and drawn on an axis, whatever the numbers are."""

import math
import sys
from itertools import pairwise

import pytest
from datacat_server.store.binning import bins, is_log_better
from datacat_server.web.metrics.axis import Axis
from hypothesis import given
from hypothesis import strategies as st

NUMBERS = st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=60)


@given(NUMBERS, st.booleans())
def test_every_value_lies_in_one_bin_and_bins_meet(values: list[float], log: bool) -> None:
    ordered = sorted(values)
    found = bins(ordered, log=log and ordered[0] > 0)
    assert sum(one.count for one in found) == len(values)
    assert len(found) <= 120
    assert found[0].low <= ordered[0]
    assert found[-1].high >= ordered[-1]
    for one, after in pairwise(found):
        assert one.high == after.low
    for place, one in enumerate(found):
        last = place == len(found) - 1
        held = [value for value in ordered if one.low <= value and (last or value < one.high)]
        assert len(held) == one.count


@given(NUMBERS, st.booleans(), st.floats(allow_nan=False, allow_infinity=False))
def test_every_place_on_an_axis_is_within_its_width(values: list[float], log: bool, value: float) -> None:
    ordered = sorted(values)
    log = log and ordered[0] > 0
    found = bins(ordered, log=log)
    axis = Axis(found[0].low, found[-1].high, log and found[0].low > 0)
    assert 0 <= axis.x(value) <= 100
    assert all(0 <= tick.x <= 100 for tick in axis.ticks("bytes"))
    assert len(axis.ticks(None)) <= 12


def test_the_greatest_number_has_a_bin_that_ends_in_a_number() -> None:
    assert bins([0.0, sys.float_info.max], log=False)[-1].high == sys.float_info.max


def test_edges_of_bins_are_round() -> None:
    found = bins([0.13, 0.2, 0.7, 0.94], log=False)
    assert [one.low for one in found[:3]] == [0.1, 0.15, 0.2]
    assert all(math.isclose(one.high - one.low, 0.05) for one in found)
    decades = bins([1.0, 10.0, 100.0, 1000.0, 5000.0], log=True)
    assert any(math.isclose(one.low, 100.0) for one in decades)


@pytest.mark.parametrize(
    ("values", "better"),
    [([1.0, 2.0, 3.0, 4.0], False), ([1.0, 2.0, 3.0, 4000.0], True), ([0.0, 2.0, 3.0, 4000.0], False), ([7.0], False)],
)
def test_a_logarithmic_scale_is_taken_where_most_would_fall_into_one_bin(values: list[float], better: bool) -> None:
    assert is_log_better(values) is better
