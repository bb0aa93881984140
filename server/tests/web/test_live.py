"""Open pages hear of changes over a connection that stays open."""

from collections.abc import Iterator

import httpx
from datacat_server.store.sqlite import SqliteStore
from support.recordings import Recording


def events(lines: Iterator[str]) -> Iterator[str]:
    """The names of the events of a stream, as they come."""
    return (line.removeprefix("event: ") for line in lines if line.startswith("event: "))


def next_but_pings(stream: Iterator[str]) -> str:
    return next(event for event in stream if event != "ping")


def test_the_list_hears_of_every_change(address: str, store: SqliteStore) -> None:
    with httpx.stream("GET", f"{address}/live", timeout=30) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        stream = events(answer.iter_lines())
        assert next(stream) == "open"
        Recording("s-1").event(1, "started").send(store)
        assert next_but_pings(stream) == "change"
        store.delete("s-1")
        assert next_but_pings(stream) == "change"


def test_a_session_hears_of_its_own_changes_only(address: str, store: SqliteStore) -> None:
    mine = Recording("s-1").event(1, "started")
    mine.send(store)
    with httpx.stream("GET", f"{address}/live?session=s-1", timeout=30) as answer:
        stream = events(answer.iter_lines())
        assert next(stream) == "open"
        Recording("s-2").event(1, "other").send(store)
        assert next(stream) == "ping"
        mine.event(2, "moved").send(store)
        assert next_but_pings(stream) == "change"
        store.delete("s-1")
        assert next_but_pings(stream) == "change"


def test_a_quiet_server_still_says_that_it_is_there(address: str) -> None:
    with httpx.stream("GET", f"{address}/live", timeout=30) as answer:
        stream = events(answer.iter_lines())
        assert next(stream) == "open"
        assert next(stream) == "ping"
