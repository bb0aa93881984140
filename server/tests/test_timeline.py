"""The folded timeline of a long session, and the course of a long series, are what plain counting gives."""

import json
import random
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest import mock

import pytest
from datacat_server.ingest.decode import decode_batches
from datacat_server.ingest.result import IngestResult
from datacat_server.store.sqlite import SqliteStore
from datacat_server.store.sqlite.folds import courses, timeline
from datacat_server.store.sqlite.reading import counting
from datacat_server.store.sqlite.writing import prune
from datacat_server.store.views import Series
from hypothesis import given, settings
from hypothesis import strategies as st

Send = Callable[..., IngestResult]
START = 1_795_298_400_000_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LEVELS = ["debug", "info", "warning", "error", "critical"]
TABLES = ("timelines", "timeline_buckets", "courses", "course_stretches")

Happened = tuple[int, str, bool]
"""Time, level or "change", and whether it is an exception."""


def moment(time: int) -> datetime:
    return EPOCH + timedelta(microseconds=time)


@contextmanager
def small_folds(folded_from: int = 20, most: int = 16) -> Iterator[None]:
    """Folds as of long sessions, in short ones."""
    with (
        mock.patch.object(timeline, "FOLDED_FROM", folded_from),
        mock.patch.object(timeline, "MOST_BUCKETS", most),
        mock.patch.object(courses, "FOLDED_FROM", folded_from),
        mock.patch.object(courses, "MOST_STRETCHES", most),
    ):
        yield


def record(number: int, happened: Happened) -> dict[str, Any]:
    time, kind, is_exception = happened
    if kind == "change":
        return {"kind": "state", "time": time, "state": {"n": number}}
    event = {"kind": "event", "time": time, "name": "moved", "level": kind}
    return event | {"exception_type": "E"} if is_exception else event


def counted(happened: list[Happened], begin: int, end: int, buckets: int, outside: bool) -> dict[str, list[int]]:
    """What a timeline is, one after the other."""
    found = {kind: [0] * buckets for kind in [*LEVELS, "change", "exception"]}
    for time, kind, is_exception in happened:
        place = (time - begin) * buckets // (end - begin)
        if outside:
            place = min(max(place, 0), buckets - 1)
        if 0 <= place < buckets:
            found[kind][place] += 1
            found["exception"][place] += is_exception
    return found


def read(store: SqliteStore, begin: int, end: int, buckets: int, outside: bool) -> dict[str, list[int]]:
    line = store.timeline("s1", moment(begin), moment(end), buckets, outside=outside)
    return line.levels | {"change": line.state_changes, "exception": line.exceptions}


TIMES = st.one_of(
    st.integers(0, 100),
    st.integers(-50, 5_000),  # by a clock that is behind, too
    st.integers(0, 10**9),
    st.sampled_from([-START, 0, -(1 << 40)]),  # none ahead of the clock: those are taken for now,
)
HAPPENED = st.tuples(TIMES, st.sampled_from([*LEVELS, "change"]), st.booleans()).map(
    lambda one: (START + one[0], one[1], one[2] and one[1] != "change")
)
QUESTIONS = st.tuples(TIMES, st.integers(1, 10**9), st.integers(1, 60), st.booleans())


@settings(max_examples=20, deadline=None)
@given(
    st.lists(st.lists(HAPPENED, max_size=40), min_size=1, max_size=5),
    st.lists(QUESTIONS, min_size=1, max_size=4),
    st.sets(st.integers(0, 5)),
)
def test_a_timeline_is_what_plain_counting_gives(
    batches: list[list[Happened]], questions: list[tuple[int, int, int, bool]], reopened: set[int]
) -> None:
    with TemporaryDirectory() as folder, small_folds():
        store = SqliteStore(Path(folder))
        everything: list[Happened] = []
        for number, batch in enumerate(batches):
            apply(store, [record(len(everything) + n, one) for n, one in enumerate(batch)], len(everything))
            everything += batch
            if number in reopened:
                store.close()
                store = SqliteStore(Path(folder))
            for at, length, buckets, outside in questions:
                begin, end = max(START + at, 0), max(START + at, 0) + length
                assert read(store, begin, end, buckets, outside) == counted(everything, begin, end, buckets, outside)
        store.close()
        with closing(sqlite3.connect(Path(folder) / "datacat.sqlite3")) as db:
            rows = db.execute("SELECT count(*) FROM timeline_buckets").fetchone()[0]
        assert rows <= 16
        assert bool(rows) == (len(everything) + 1 >= 20)


def apply(store: SqliteStore, records: list[dict[str, Any]], first: int) -> None:
    """Have a store take records of one writer of `s1`."""
    lines: list[dict[str, Any]] = [
        {"kind": "session", "id": "s1", "product": "Game", "version": "1.0", "time": START},
        {"kind": "writer", "writer": "1-0", "first": first, "next": first + len(records)},
        *({"writer": "1-0", "ordinal": ordinal} | record for ordinal, record in enumerate(records, first)),
    ]
    batches, _ = decode_batches(b"".join(json.dumps(line).encode() + b"\n" for line in lines))
    assert not store.ingest(batches).refused


def test_what_would_be_too_much_to_count_keeps_its_sum_and_its_edges(store: SqliteStore, send: Send) -> None:
    some = random.Random(3)
    happened: list[Happened] = [(START + some.randrange(10_000), some.choice(LEVELS), False) for _ in range(3_000)]
    with small_folds(most=64), mock.patch.object(counting, "MOST_COUNTED", 100):
        send("s1", "1-0", 0, [record(n, one) for n, one in enumerate(happened)])
        for begin, end, buckets in [(0, 10_000, 7), (77, 9_001, 20), (1_234, 8_765, 30)]:
            found = read(store, START + begin, START + end, buckets, outside=False)
            exact = counted(happened, START + begin, START + end, buckets, outside=False)
            assert {kind: sum(counts) for kind, counts in found.items()} == {
                kind: sum(counts) for kind, counts in exact.items()
            }
            # Off by what one folded bucket holds, at either end: 32 to 64 of them hold everything.
            for kind, counts in exact.items():
                assert all(abs(one - other) <= 100 for one, other in zip(found[kind], counts, strict=True))


def test_a_timeline_is_read_without_looking_at_each_event(store: SqliteStore, send: Send) -> None:
    events = [{"kind": "event", "name": "moved", "time": START + n * 10} for n in range(20_000)]
    steps: list[int] = []

    def work() -> int:
        """How much the database does for a first look, in steps of its machine."""
        steps.clear()
        with store._readers.snapshot() as db:
            db.set_progress_handler(lambda: steps.append(1), 100)
        read(store, START, START + 200_000, 50, outside=True)
        with store._readers.snapshot() as db:
            db.set_progress_handler(None, 0)
        return len(steps)

    with small_folds(folded_from=2**30):
        send("s1", "1-0", 0, events)
        plain = work()
    with small_folds(most=1024):
        send("s1", "1-0", 20_000, [{"kind": "event", "name": "moved", "time": START}])
        assert work() < plain / 4


def rows_of(file: Path) -> dict[str, list[tuple[Any, ...]]]:
    with closing(sqlite3.connect(file)) as db:
        return {table: db.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall() for table in TABLES}


def mixed(count: int) -> list[dict[str, Any]]:
    some = random.Random(5)
    records = []
    for number in range(count):
        happened = (START + some.randrange(10**8), some.choice([*LEVELS, "change"]), False)
        records.append(record(number, happened))
        records.append({"kind": "metric", "name": "fps", "value": some.random(), "time": happened[0]})
    return records


def test_what_was_there_before_the_folds_is_folded_by_their_migration(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    with small_folds():
        with closing(SqliteStore(new)) as store:
            apply(store, mixed(300), 0)
            expected = [store.timeline("s1", None, None, 50), store.series("s1", points=20)]
        as_of_version_6(new / "datacat.sqlite3", old / "datacat.sqlite3")
        with closing(SqliteStore(old)) as store:
            assert [store.timeline("s1", None, None, 50), store.series("s1", points=20)] == expected
            folded = rows_of(old / "datacat.sqlite3")
            assert all(folded.values())
            assert len(folded["timeline_buckets"]) <= 16
            apply(store, [record(600, (START, "critical", False))], 600)
            assert sum(store.timeline("s1", None, None, 1).levels["critical"]) == 1 + sum(
                expected[0].levels["critical"]
            )


def as_of_version_6(file: Path, copy: Path) -> None:
    """What is in a database, in one that was made before there were folds."""
    copy.parent.mkdir()
    with closing(sqlite3.connect(copy)) as db:
        for number in range(1, 7):
            db.executescript((files("datacat_server.store.sqlite.file") / f"migrations/{number:04}.sql").read_text())
        db.execute("ATTACH ? AS newer", (str(file),))
        for table in ("sessions", "writers", "events", "state_changes", "snapshots", "series", "points"):
            columns = ", ".join(row[1] for row in db.execute(f"PRAGMA main.table_info({table})"))
            db.execute(f"INSERT INTO main.{table} ({columns}) SELECT {columns} FROM newer.{table}")
        db.execute("PRAGMA user_version = 6")
        db.commit()


def test_a_removed_session_takes_its_folds_with_it(
    store: SqliteStore, send: Send, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prune, "_CHUNK_ROWS", 7)
    with small_folds():
        send("s1", "1-0", 0, mixed(300))
        send("s2", "1-0", 0, mixed(300))
        both = rows_of(tmp_path / "data" / "datacat.sqlite3")
        store.delete("s1")
        store.clear()
        left = rows_of(tmp_path / "data" / "datacat.sqlite3")
        assert {table: len(rows) * 2 for table, rows in left.items()} == {
            table: len(rows) for table, rows in both.items()
        }
        send("s3", "1-0", 0, mixed(30))
        assert sum(map(sum, store.timeline("s3", None, None, 9).levels.values())) == store.session("s3", ()).event_count


@pytest.mark.parametrize("seed", range(3))
def test_the_course_of_a_growing_series_keeps_its_peaks_and_its_size(store: SqliteStore, send: Send, seed: int) -> None:
    some = random.Random(seed)
    readings: list[tuple[int, float]] = []
    with small_folds():
        for batch in range(20):
            # Mostly in order; now and then something from a writer whose clock is behind.
            new = [(START + batch * 10**6 + some.randrange(-(10**5), 10**6), some.random()) for _ in range(30)]
            send(
                "s1", "1-0", len(readings),
                [{"kind": "metric", "name": "t", "type": "timer", "value": v, "count": 2, "time": t} for t, v in new],
            )  # fmt: skip
            readings += new
            [series] = store.series("s1", points=12)
            assert_course(series, readings)
            if batch % 7 == 3:
                store._writer.run(lambda ledger: ledger.forget())


def assert_course(series: Series, readings: list[tuple[int, float]]) -> None:
    assert (series.count, series.iterations) == (len(readings), 2 * len(readings))
    assert len(series.times) <= max(12, min(len(readings), 12))
    assert series.times == sorted(series.times)
    values = [value for _, value in readings]
    assert {min(values), max(values)} <= set(series.values)
    real = {(time / 1e6, value) for time, value in readings}
    assert set(zip(series.times, series.values, strict=True)) <= real
