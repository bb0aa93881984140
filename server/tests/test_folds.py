"""What is kept between two readings of a long session is what reading everything would give."""

import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from datacat_server.store.sqlite import SqliteStore
from datacat_server.store.sqlite.folds import Folds
from datacat_server.store.views import Series, Timeline

SECOND = 1_000_000
START = 1_795_298_400_000_000
BEGIN = datetime.fromtimestamp(START / SECOND, UTC)

Read = Callable[[int], tuple[Timeline, list[Series]]]


def record(random_: random.Random, time: int) -> dict[str, object]:
    match random_.randrange(4):
        case 0:
            return {"kind": "event", "time": time, "name": "moved", "level": random_.choice(["info", "error"])}
        case 1:
            return {"kind": "state", "time": time, "state": {"level": random_.random()}}
        case _:
            return {"kind": "metric", "time": time, "name": "fps", "type": "gauge", "value": random_.random()}


@pytest.fixture
def read(store: SqliteStore) -> Iterator[Read]:
    """Reads what the page of `s1` shows of so many seconds, in buckets of one second or the next power of two."""

    def read(seconds: int) -> tuple[Timeline, list[Series]]:
        width = 1
        while seconds / width > 40:
            width *= 2
        count = -(-seconds // width)
        timeline = store.timeline("s1", BEGIN, BEGIN + timedelta(seconds=count * width), count)
        return timeline, store.series("s1", points=40)

    yield read


@pytest.mark.parametrize("seed", range(4))
def test_a_growing_session_reads_as_if_it_were_read_anew(
    store: SqliteStore, send: Callable[..., object], read: Read, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    random_ = random.Random(seed)
    ordinal = 0
    for second in range(5, 200, 5):
        # Mostly in order; now and then something very late, from a writer whose clock is another.
        times = [START + int(random_.uniform(second - 6, second) * SECOND) for _ in range(20)]
        if second % 35 == 0:
            times.append(START + int(random_.uniform(-5, second) * SECOND))
        records = [record(random_, time) for time in times]
        send("s1", "1-0", ordinal, records)
        ordinal += len(records)
        kept = read(second)
        with monkeypatch.context() as forgotten:
            forgotten.setattr(store, "_folds", Folds())
            assert read(second) == kept
        assert sum(map(sum, kept[0].levels.values())) == store.session("s1", ()).event_count


def test_what_was_counted_is_not_read_again(
    store: SqliteStore, send: Callable[..., object], read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    random_ = random.Random(7)
    records = [record(random_, START + n * 1000) for n in range(20_000)]
    send("s1", "1-0", 0, records)
    steps: list[int] = []

    def counted() -> int:
        """How much work the database does for reading the page, in steps of its machine."""
        steps.clear()
        with store._readers.snapshot() as db:
            db.set_progress_handler(lambda: steps.append(1), 100)
        read(20)
        with store._readers.snapshot() as db:
            db.set_progress_handler(None, 0)
        return len(steps)

    first = counted()
    send("s1", "1-0", 20_000, [record(random_, START + 20 * SECOND)])
    assert counted() < first / 4


def test_a_session_in_the_place_of_a_deleted_one_is_counted_by_itself(
    store: SqliteStore, send: Callable[..., object]
) -> None:
    events = [{"kind": "event", "time": START + n * SECOND // 100, "name": "moved"} for n in range(1000)]
    for session, some in (("s1", events), ("s2", events[:300])):
        send(session, "1-0", 0, some)
        timeline = store.timeline(session, BEGIN, BEGIN + timedelta(seconds=10), 10)
        assert sum(timeline.levels["info"]) == len(some)
        store.delete(session)
