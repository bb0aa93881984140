"""The order of versions: natural for those that look like numbers, by first sight for all others, and one for all."""

import pytest
from datacat_server.problems.versions import in_order, is_later, natural, newest
from hypothesis import given
from hypothesis import strategies as st

versions = st.one_of(
    st.from_regex(r"v?[0-9]{1,2}(\.[0-9]{1,2}){0,2}(-rc[0-9])?", fullmatch=True),
    st.sampled_from(["unknown", "main", "abc123f"]),
)
seen = st.dictionaries(versions, st.integers(0, 50), min_size=1, max_size=12)


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("1.9", "1.10"), ("1.9.9", "2"), ("v1.2", "1.3"), ("2.0-rc1", "2.0"), ("2.0a1", "2.0b1"), ("2.0rc2", "2.0rc10"),
        ("2.0.dev3", "2.0a1"), ("1.0", "1.0.1"),
    ],
)  # fmt: skip
def test_versions_that_look_like_numbers_have_their_natural_order(older: str, newer: str) -> None:
    assert is_later(newer, older, {older: 9, newer: 1})
    assert not is_later(older, newer, {older: 9, newer: 1})


def test_other_versions_are_ordered_by_when_they_were_first_seen() -> None:
    assert in_order({"b": 1, "a": 2, "main": 3}) == ["b", "a", "main"]
    assert in_order({"2.0": 1, "main": 2, "1.0": 3}) == ["1.0", "main", "2.0"]
    assert natural("1.2.x") is None
    assert natural("deadbeef") is None
    assert natural("1" * 400) is None
    assert natural("1.4+build.7") == natural("1.4.0")


@given(seen)
def test_the_order_is_one_and_keeps_both_rules(first_seen: dict[str, int]) -> None:
    ordered = in_order(first_seen)
    assert sorted(ordered) == sorted(first_seen)
    numbers = [key for version in ordered if (key := natural(version)) is not None]
    assert numbers == sorted(numbers)
    others = [first_seen[version] for version in ordered if natural(version) is None]
    assert others == sorted(others)
    assert newest(first_seen) == ordered[-1]
    assert newest({}) is None
