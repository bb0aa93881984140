"""What a daemon has folded on the way gives what its records give one by one."""

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import pytest
from datacat_server.ingest.decode import decode_batches
from datacat_server.ingest.histogram import DEFAULT_BOUNDS, bucket_of
from datacat_server.ingest.result import IngestResult
from datacat_server.model import Session
from datacat_server.store.sqlite import SqliteStore
from hypothesis import given, settings
from hypothesis import strategies as st

Send = Callable[..., IngestResult]
BOUNDS = [0.5, 1.0, 4.0]
METRIC = {"kind": "metric", "name": "frame_time", "type": "histogram", "unit": "seconds", "tags": ["map:harbour"]}


def folded(values: list[float], bounds: list[float]) -> dict[str, Any]:
    """What a daemon makes of samples."""
    counts = [0] * (len(bounds) + 1)
    for value in values:
        counts[bucket_of(bounds, value)] += 1
    samples = {"counts": counts, "sum": sum(values), "count": len(values)}
    samples |= {"min": min(values), "max": max(values), "last": values[-1]}
    return METRIC | {"buckets": bounds, "samples": samples}


def body(first: int, following: int, lines: list[dict[str, Any]], **session: Any) -> bytes:
    header = {"kind": "session", "id": "s1", "product": "Game", "version": "1", "time": 1_000} | session
    writer = {"kind": "writer", "writer": "1-0", "first": first, "next": following}
    return b"\n".join(map(msgspec.json.encode, [header, writer, *lines]))


def stored(bodies: list[bytes]) -> Session:
    with TemporaryDirectory() as folder:
        store = SqliteStore(Path(folder))
        try:
            for content in bodies:
                batches, stray = decode_batches(content)
                assert not stray
                assert not store.ingest(batches).refused
            return store.session("s1")
        finally:
            store.close()


# Numbers that add up exactly in any order: the sum of floats depends on it.
numbers = st.integers(-2_000, 2_000).map(lambda n: n / 64)


@given(st.lists(st.lists(numbers, min_size=1, max_size=20), min_size=1, max_size=4), st.sampled_from([BOUNDS, None]))
@settings(max_examples=30, deadline=None)
def test_folded_samples_give_what_single_ones_give(batches: list[list[float]], bounds: list[float] | None) -> None:
    single, many = [], []
    ordinal = 0
    for values in batches:
        following = ordinal + len(values)
        own = {} if bounds is None else {"buckets": bounds}
        lines = [
            METRIC | own | {"value": value, "writer": "1-0", "ordinal": n, "time": 2_000 + n}
            for n, value in enumerate(values, ordinal)
        ]
        single.append(body(ordinal, following, lines))
        place = {"writer": "1-0", "ordinal": following - 1, "time": 2_000 + following - 1}
        many.append(body(ordinal, following, [folded(values, bounds or DEFAULT_BOUNDS) | place]))
        ordinal = following
    one_by_one, together = stored(single), stored(many)
    assert together.metrics == one_by_one.metrics
    assert together.updated_at == one_by_one.updated_at


def refusal(change: dict[str, Any], send: Send, **metric: Any) -> str:
    line = folded([0.2, 0.7, 9.0], BOUNDS) | {"writer": "1-0", "ordinal": 0, "time": 2_000} | metric
    line["samples"] = line["samples"] | change
    [refused] = send(body=body(0, 1, [line])).refused
    return refused.details


@pytest.mark.parametrize(
    ("change", "details"),
    [
        ({"counts": [1, 1, 1]}, "samples.counts: expected 4"),
        ({"counts": [1, -1, 2, 1]}, "samples.counts: expected whole numbers"),
        ({"counts": [1, 1, 0, 2]}, "samples.count: expected the sum"),
        ({"counts": [0, 0, 0, 0], "count": 0}, "samples.count: expected the sum"),
        ({"count": 4}, "samples.count: expected the sum"),
        ({"last": 9.5}, "samples.last: expected one between"),
        ({"min": 0.8, "last": 1.0}, "samples.counts: min and max"),
        ({"max": 3.0, "last": 1.0}, "samples.counts: min and max"),
        ({"sum": 100.0}, "samples.sum: expected"),
        ({"sum": None}, "samples.sum: expected a number"),
        ({"counts": [0.5, 1, 0, 1]}, "samples.counts[0]: expected a whole number"),
    ],
)
def test_samples_that_cannot_be_are_refused(change: dict[str, Any], details: str, send: Send) -> None:
    assert refusal(change, send).startswith(details)


@pytest.mark.parametrize(
    ("metric", "details"),
    [
        ({"type": "gauge"}, "samples: only a histogram"),
        ({"value": 1.0}, "value: either one value or samples"),
        ({"buckets": None}, "buckets: samples need their bounds"),
        ({"buckets": [4.0, 1.0, 0.5]}, "buckets: samples need their bounds"),
    ],
)
def test_samples_of_something_else_are_refused(metric: dict[str, Any], details: str, send: Send) -> None:
    assert refusal({}, send, **metric).startswith(details)


def test_a_sum_that_no_number_holds_is_refused(send: Send) -> None:
    huge = folded([1.7e308], BOUNDS)
    lines = [huge | {"writer": "1-0", "ordinal": n, "time": 2_000} for n in range(2)]
    [refused] = send(body=body(0, 2, lines)).refused
    assert refused.ordinal == 1


def state(ordinal: int, **patch: Any) -> dict[str, Any]:
    return {"kind": "state", "writer": "1-0", "ordinal": ordinal, "time": 2_000, "state": patch}


def test_what_was_left_out_holds_only_for_the_state_that_it_was_left_out_of(
    store: SqliteStore, send: Send, make_body: Callable[..., bytes]
) -> None:
    changes = send(body=body(0, 1, [state(0, a=1, b=1)])).sessions["s1"].state_changes
    answer = send(body=body(1, 2, [state(1, b=2)], state_changes=changes)).sessions["s1"]
    assert answer.writers == {"1-0": 2}
    again = send(body=body(1, 2, [state(1, b=2)], state_changes=changes)).sessions["s1"]
    assert again.writers == {"1-0": 2}
    assert again.state_changes is msgspec.UNSET  # it was not applied just now
    send("s1", "9-9", 0, [{"kind": "state", "state": {"a": 7}}])
    refused = send(body=body(2, 3, [state(2, b=3)], state_changes=answer.state_changes)).sessions["s1"]
    assert refused.writers == {"1-0": 2}
    assert refused.state_changes is msgspec.UNSET
    assert send(body=body(2, 3, [state(2, a=1, b=3)])).sessions["s1"].writers == {"1-0": 3}
    assert {key: store.session("s1").state[key] for key in "ab"} == {"a": 1, "b": 3}
