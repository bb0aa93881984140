"""Open pages hear of changes over a connection that stays open."""

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from datacat_server.ingest.decode import decode_batches
from datacat_server.store.sqlite import SqliteStore
from datacat_server.web.shell.live import Changes, _one_session
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
        assert next(stream) == "watching"
        Recording("s-1").event(1, "started").send(store)
        assert next_but_pings(stream) == "change"
        store.delete("s-1")
        assert next_but_pings(stream) == "change"


def test_a_session_hears_of_its_own_changes_only(address: str, store: SqliteStore) -> None:
    mine = Recording("s-1").event(1, "started")
    mine.send(store)
    with httpx.stream("GET", f"{address}/live?session=s-1", timeout=30) as answer:
        stream = events(answer.iter_lines())
        assert next(stream) == "watching"
        Recording("s-2").event(1, "other").send(store)
        assert next(stream) == "ping"
        mine.event(2, "moved").send(store)
        assert next_but_pings(stream) == "change"
        store.delete("s-1")
        assert next_but_pings(stream) == "change"


def test_a_session_that_is_not_there_has_no_stream(address: str) -> None:
    with httpx.stream("GET", f"{address}/live?session=nobody", timeout=30) as answer:
        assert answer.status_code == 404


def test_a_quiet_server_still_says_that_it_is_there(address: str) -> None:
    with httpx.stream("GET", f"{address}/live", timeout=30) as answer:
        stream = events(answer.iter_lines())
        assert next(stream) == "watching"
        assert next(stream) == "ping"


@pytest.mark.parametrize("where", ["/live", "/live?session=s-1"])
def test_a_watch_that_fails_ends_its_streams_and_is_taken_up_again(
    address: str, store: SqliteStore, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording = Recording("s-1").event(1, "started")
    recording.send(store)
    with httpx.stream("GET", address + where, timeout=30) as answer:
        stream = events(answer.iter_lines())
        assert next(stream) == "watching"
        with monkeypatch.context() as broken:
            broken.setattr(store, "change_token", lambda: 1 // 0)
            assert [event for event in stream if event != "ping"] == []
            with httpx.stream("GET", address + where, timeout=30) as refused:
                assert list(events(refused.iter_lines())) == []
    with httpx.stream("GET", address + where, timeout=30) as answer:
        stream = events(answer.iter_lines())
        assert next(stream) == "watching"
        recording.event(2, "moved").send(store)
        assert next_but_pings(stream) == "change"


def test_what_comes_in_while_a_stream_opens_is_not_missed(store: SqliteStore) -> None:
    recording = Recording("s-1").event(1, "started")
    recording.send(store)
    last = recording.status(2, "crashed", "Bang").body()

    class Late:
        """The store, in which the last record arrives just after the session was read for the first time."""

        def __init__(self) -> None:
            self.once = threading.Event()

        def change_token(self) -> object:
            return store.change_token()

        def session_change_token(self, session_id: str) -> object:
            token = store.session_change_token(session_id)
            if not self.once.is_set():
                self.once.set()
                store.ingest(decode_batches(last)[0])
            return token

    async def told() -> list[bytes]:
        late: Any = Late()
        messages: list[bytes] = []
        async for message in _one_session(Changes(late), late, "s-1"):
            if b"ping" not in message:
                messages.append(message)
            if len(messages) == 2:
                break
        return messages

    heard = asyncio.run(asyncio.wait_for(told(), 30))
    assert [message.split()[1] for message in heard] == [b"watching", b"change"]
