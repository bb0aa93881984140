"""Which answers are kept, and for how long."""

import time

from datacat_server.store.sqlite import SqliteStore
from datacat_server.web.metrics.kept import Kept
from support.recordings import Recording


def test_an_answer_is_kept_until_something_is_written(store: SqliteStore) -> None:
    kept, asked = Kept(store), []
    ask = lambda: asked.append(1) or len(asked)  # noqa: E731
    assert [kept.get("q", ask), kept.get("q", ask), kept.get("other", ask)] == [1, 1, 2]
    Recording("s-1").event(1, "x").send(store)
    assert kept.get("q", ask) == 3


def test_an_answer_that_took_long_outlives_what_is_written_meanwhile(store: SqliteStore) -> None:
    kept, asked = Kept(store), []

    def slow() -> int:
        until = time.thread_time() + 0.2
        while time.thread_time() < until:
            pass
        asked.append(1)
        return len(asked)

    assert kept.get("q", slow) == 1
    Recording("s-1").event(1, "x").send(store)
    assert kept.get("q", slow) == 1
