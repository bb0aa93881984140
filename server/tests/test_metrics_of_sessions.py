"""One metric over many sessions is what reading all sessions gives, whatever is asked."""

import random
import re
from collections.abc import Callable, Iterator
from itertools import groupby
from pathlib import Path
from statistics import mean, median
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import pytest
from datacat_server.api.app import create_api
from datacat_server.config import Config
from datacat_server.filters import parse_filter
from datacat_server.ingest.decode import decode_batches
from datacat_server.store.metrics import Aggregate
from datacat_server.store.sqlite import SqliteStore
from datacat_server.store.sqlite.reading.read import row_number
from datacat_server.store.sqlite.writing.prune import condemn
from datacat_server.store.views import MetricFilter
from hypothesis import given, settings
from hypothesis import strategies as st
from litestar.testing import TestClient

START = 1_795_298_400_000_000
TYPES = ["gauge", "counter", "histogram", "timer"]
TAGS = ["map:harbour", "map:plain", "fast"]
NAMES = ["memory_usage", "fps"]

Reading = tuple[str, str, tuple[str, ...], bool, float]
"""Name, type, tags, whether a daemon sampled it, and the value: of a counter the running total."""

Told = list[tuple[dict[str, Any], list[Reading]]]
"""Sessions, the newest first, each with its readings in the order in which they came."""


def batch(number: int, some: random.Random) -> tuple[bytes, dict[str, Any], list[Reading]]:
    """A session, as it is sent and as it is to be understood."""
    session = {
        "id": f"s{number}",
        "product": some.choice("AB"),
        "version": some.choice("12"),
        "machine_id": some.choice("mn"),
        # Not in the order in which they come, and some are of one time.
        "time": START + some.randrange(40) * 25,
    }
    lines: list[dict[str, Any]] = [{"kind": "session"} | session]
    readings: list[Reading] = []
    totals: dict[tuple[str, ...], float] = {}
    records = {"1-0": some.randrange(12), "daemon-1": some.randrange(3)}
    opened = [["space probe", "log"], ["map"], []][some.randrange(3)]
    for writer, count in records.items():
        lines.append({"kind": "writer", "writer": writer, "first": 0, "next": count + 1})
        for ordinal in range(count):
            name, kind, tags = (
                some.choice(NAMES),
                some.choice(TYPES),
                tuple(sorted(some.sample(TAGS, some.randrange(3)))),
            )
            value = float(some.randrange(-50, 100))
            record = {"kind": "metric", "writer": writer, "ordinal": ordinal, "time": START + ordinal}
            record |= {"name": name, "type": kind, "tags": list(tags)}
            lines.append(record | {"delta" if kind == "counter" else "value": value})
            if kind == "counter":
                value = totals[name, writer, *tags] = totals.get((name, writer, *tags), 0.0) + value
            readings.append((name, kind, tags, writer != "1-0", value))
        state = {"window_state": {"open": opened}} if writer == "1-0" else {}
        lines.append({"kind": "state", "writer": writer, "ordinal": count, "time": START + 99, "state": state})
    body = b"".join(msgspec.json.encode(line) + b"\n" for line in lines)
    return body, session | {"open": opened}, readings


@pytest.fixture(scope="module")
def told() -> Iterator[tuple[TestClient[Any], Told]]:
    """Sessions in a store, and what was told of them."""
    some = random.Random(11)
    everything: Told = []
    with TemporaryDirectory() as folder:
        store = SqliteStore(Path(folder))
        for number in range(60):
            body, session, readings = batch(number, some)
            assert not store.ingest(decode_batches(body)[0]).refused
            everything.append((session, readings))
        # One that is gone has no part in any answer, whether it is cleared away or not.
        store._writer.run(lambda ledger: ledger.expire(["s7"], 2**60))
        del everything[7]
        with TestClient(create_api(store, Config()), raise_server_exceptions=False) as client:
            newest_first = sorted(everything, key=lambda one: (one[0]["time"], one[0]["id"]), reverse=True)
            yield client, newest_first
        store.close()


QUERIES = st.fixed_dictionaries(
    {"name": st.sampled_from(NAMES)},
    optional={
        "type": st.sampled_from(TYPES),
        "tags": st.lists(st.sampled_from(TAGS), max_size=2, unique=True),
        "vitals": st.booleans(),
        "product": st.sampled_from("AC"),
        "version": st.just("1"),
        "machine": st.just("m"),
        "from": st.just(START + 300),
        "to": st.just(START + 700),
        "ever_contains": st.just('window_state.open:"space probe"'),
    },
)


def values_of(told: Told, query: dict[str, Any]) -> list[tuple[dict[str, Any], list[Reading]]]:
    """The readings that a question is about, by session; none without any."""
    found = []
    for session, readings in told:
        mine = [
            reading
            for reading in readings
            if reading[0] == query["name"]
            and reading[1] == query.get("type", reading[1])
            and set(query.get("tags", [])) <= set(reading[2])
            and reading[3] == query.get("vitals", False)
        ]
        if (
            mine
            and session["product"] == query.get("product", session["product"])
            and session["version"] == query.get("version", session["version"])
            and session["machine_id"] == query.get("machine", session["machine_id"])
            and query.get("from", 0) <= session["time"] < query.get("to", 2**60)
            and ("ever_contains" not in query or "space probe" in session["open"])
        ):
            found.append((session, mine))
    return found


def asked(client: TestClient[Any], query: dict[str, Any], **more: Any) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """All values, page after page, and the summary, which is the same on each."""
    at = {name: f"2026-11-21T22:00:00.{query[name] - START:06}Z" for name in ("from", "to") if name in query}
    values: list[dict[str, Any]] = []
    cursor, summaries = None, []
    while True:
        answer = client.get("/api/metrics", params=query | at | more | ({"cursor": cursor} if cursor else {}))
        assert answer.status_code == 200, answer.text
        page = answer.json()
        values += page["values"]
        summaries.append(page["summary"])
        cursor = page["cursor"]
        if cursor is None:
            assert summaries == summaries[:1] * len(summaries)
            return values, summaries[0]


@settings(max_examples=60, deadline=None)
@given(QUERIES, st.sampled_from(["peak", "average", "minimum"]), st.sampled_from([1, 3, 100]))
def test_the_value_of_each_session_is_what_its_readings_give(
    told: tuple[TestClient[Any], Told], query: dict[str, Any], aggregate: str, limit: int
) -> None:
    client, everything = told
    reduce: Callable[[list[float]], float] = {"peak": max, "average": mean, "minimum": min}[aggregate]
    expected = [
        (session["id"], reduce([value for *_, value in readings])) for session, readings in values_of(everything, query)
    ]
    found, summary = asked(client, query, aggregate=aggregate, limit=limit)
    assert [value["session_id"] for value in found] == [name for name, _ in expected]
    values = [value for _, value in expected]
    assert [value["value"] for value in found] == pytest.approx(values)
    assert summary["count"] == len(values)
    if values:
        assert (summary["minimum"], summary["maximum"]) == pytest.approx((min(values), max(values)))
        assert (summary["mean"], summary["median"]) == pytest.approx((mean(values), median(values)))
        assert sorted(values)[int((len(values) - 1) * 0.95)] - 1e-9 <= summary["p95"] <= max(values) + 1e-9
    else:
        assert summary == dict.fromkeys(["minimum", "maximum", "mean", "median", "p95"]) | {"count": 0}


@settings(max_examples=30, deadline=None)
@given(QUERIES, st.sampled_from([1, 7, 1000]))
def test_all_readings_of_all_sessions_come_once(
    told: tuple[TestClient[Any], Told], query: dict[str, Any], limit: int
) -> None:
    client, everything = told
    found, summary = asked(client, query, aggregate="all", limit=limit)
    wanted = values_of(everything, query)
    by_session = [(name, list(some)) for name, some in groupby(found, key=lambda value: value["session_id"])]
    assert [name for name, _ in by_session] == [session["id"] for session, _ in wanted]
    for (_, some), (_, readings) in zip(by_session, wanted, strict=True):
        plain = [reading for reading in readings if reading[1] != "histogram"]
        assert sorted(
            (one["type"], tuple(one["tags"]), one["value"]) for one in some if one["type"] != "histogram"
        ) == (sorted((kind, tags, value) for _, kind, tags, _, value in plain))
        # A histogram's samples are kept as the mean of each batch.
        samples = [value for _, kind, *_, value in readings if kind == "histogram"]
        batches = [one for one in some if one["type"] == "histogram"]
        assert sum(one["count"] for one in batches) == len(samples)
        assert sum(one["count"] * one["value"] for one in batches) == pytest.approx(sum(samples))
    every = [value for _, readings in wanted for *_, value in readings]
    assert summary["count"] == len(every)
    if every:
        assert (summary["minimum"], summary["maximum"]) == (min(every), max(every))
        assert summary["mean"] == pytest.approx(mean(every))


def test_the_names_of_metrics_are_those_of_the_sessions_picked(told: tuple[TestClient[Any], Told]) -> None:
    client, everything = told
    for query in ({}, {"product": "A", "version": "2"}, {"product": "none"}):
        picked = [readings for session, readings in everything if query.items() <= session.items()]
        answer = client.get("/api/metrics/names", params=query).json()
        assert answer["sessions"] == len(picked)
        assert [(one["name"], one["vital"], one["types"], one["sessions"]) for one in answer["metrics"]] == [
            (
                name,
                vital,
                sorted(
                    {
                        kind
                        for some in picked
                        for other, kind, _, sampled, _ in some
                        if (other, sampled) == (name, vital)
                    }
                ),
                sum(any((other, sampled) == (name, vital) for other, _, _, sampled, _ in some) for some in picked),
            )
            for vital in (False, True)
            for name in sorted({other for some in picked for other, _, _, sampled, _ in some if sampled == vital})
        ]


def test_readings_as_large_as_a_number_can_be_have_a_peak(api: TestClient[Any]) -> None:
    api.post("/api/sessions", json={"id": "s1", "product": "A"})
    for _ in range(2):
        api.post("/api/sessions/s1/metrics", json={"name": "h", "value": 1e308})
    samples = {"name": "h", "type": "counter", "delta": float("1e308")}
    api.post("/api/sessions/s1/metrics", json=samples | {"tags": ["a"]})
    answer = api.get("/api/metrics", params={"name": "h", "aggregate": "peak"}).json()
    assert [value["value"] for value in answer["values"]] == [1e308]


@pytest.mark.parametrize(
    ("query", "parameter"),
    [("", "name"), ("name=", "name"), ("name=a&aggregate=sum", "aggregate"), ("name=a&cursor=1-2", "cursor"),
     ("name=a&status=odd", "status"), ("name=a&aggregate=all&cursor=1", "cursor"), ("name=a&prodcut=b", "prodcut")],
)  # fmt: skip
def test_what_will_not_do_is_refused_by_its_name(api: TestClient[Any], query: str, parameter: str) -> None:
    answer = api.get(f"/api/metrics?{query}")
    assert answer.status_code == 400
    assert re.match(f"{parameter}:|.*'{parameter}'", answer.json()["details"]), answer.text


def test_a_metric_that_is_not_named_is_asked_for_with_where_the_names_are(api: TestClient[Any]) -> None:
    assert api.get("/api/metrics").json()["details"] == "name: is missing; /api/metrics/names lists them"


def test_a_session_that_is_removed_is_out_of_every_figure_before_its_records_are_cleared_away(tmp_path: Path) -> None:
    some = random.Random(7)
    store = SqliteStore(tmp_path)
    for number in range(6):
        lines = [
            {"kind": "session", "id": f"s{number}", "product": "A", "version": "1", "time": START},
            {"kind": "writer", "writer": "1-0", "first": 0, "next": 2},
            {"kind": "state", "writer": "1-0", "ordinal": 0, "time": START, "state": {"open": ["space probe"]}},
            {"kind": "metric", "writer": "1-0", "ordinal": 1, "time": START, "name": "fps", "value": some.random()},
        ]
        batches, _ = decode_batches(b"".join(msgspec.json.encode(line) + b"\n" for line in lines))
        store.ingest(batches)
    # Only the first of what removing does.
    store._writer.run(lambda ledger: condemn(ledger.db, row_number(ledger.db, "s3")))
    with store._readers.snapshot() as db:
        assert db.execute("SELECT count(*) FROM series").fetchone()[0] == 6
    fps = MetricFilter(name="fps")
    for asked in ([("ever_contains", "open:space probe")], [("q", "1"), ("contains", "open:space probe")], []):
        page = store.metric_page(fps, Aggregate.PEAK, parse_filter(asked))
        assert [value.session_id for value in page.values] == ["s5", "s4", "s2", "s1", "s0"]
    store.close()
