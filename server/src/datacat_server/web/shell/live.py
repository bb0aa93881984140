"""Tells open pages, over server-sent events, that what they show has changed; they fetch it themselves.

One task looks at the store's change token, and only while a page is open. The stream of one session says something
only when that session changed. Where the store cannot be watched, streams end and none opens: a page that hears
nothing does not call itself live, and comes back by itself.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from enum import StrEnum

from litestar import get
from litestar.exceptions import NotFoundException
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery
from litestar.response import Stream

from datacat_server.store.protocol import Store, UnknownSession

POLL_SECONDS = 0.5
PING_SECONDS = 5.0

_log = logging.getLogger(__name__)


class Heard(StrEnum):
    """What a page is told: from now on nothing is missed; something changed; nothing did."""

    WATCHING = "watching"
    CHANGE = "change"
    PING = "ping"


class _Listener:
    """One stream: woken by a change, and by the end of the watch."""

    def __init__(self) -> None:
        self.woken = asyncio.Event()
        self.lost = False


class Changes:
    """Watches one store for all open pages."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._listeners: set[_Listener] = set()
        self._watch: asyncio.Task[None] | None = None

    async def follow(self) -> AsyncGenerator[Heard]:
        """WATCHING once nothing can be missed any more, then CHANGE when the store changed, or PING; ends when lost.

        PING comes after PING_SECONDS without a change. Raises what the store raises where it cannot be watched.
        """
        listener = _Listener()
        self._listeners.add(listener)
        try:
            token = await self._token()
            if self._watch is None or self._watch.done():
                self._watch = asyncio.create_task(self._poll(token))
            yield Heard.WATCHING
            while not listener.lost:
                try:
                    await asyncio.wait_for(listener.woken.wait(), PING_SECONDS)
                except TimeoutError:
                    yield Heard.PING
                    continue
                listener.woken.clear()
                if not listener.lost:
                    yield Heard.CHANGE
        finally:
            self._listeners.discard(listener)

    async def _poll(self, seen: object) -> None:
        try:
            while self._listeners:
                await asyncio.sleep(POLL_SECONDS)
                token = await self._token()
                if token != seen:
                    seen = token
                    for listener in self._listeners:
                        listener.woken.set()
        except Exception as error:
            _log.error("could not watch the store for open pages: %s", error, exc_info=error)
        finally:
            # Whoever still listens must not take silence for quiet; the next one to follow starts a new watch.
            for listener in self._listeners:
                listener.lost = True
                listener.woken.set()

    async def _token(self) -> object:
        return await asyncio.to_thread(self._store.change_token)


def _message(heard: Heard) -> bytes:
    return f"event: {heard}\ndata: \n\n".encode()


async def _all_sessions(changes: Changes) -> AsyncIterator[bytes]:
    async with aclosing(changes.follow()) as stream:
        async for heard in stream:
            yield _message(heard)


async def _one_session(changes: Changes, store: Store, session_id: str) -> AsyncIterator[bytes]:
    def token() -> object:
        try:
            return store.session_change_token(session_id)
        except UnknownSession:
            return None

    seen: object = None
    async with aclosing(changes.follow()) as stream:
        async for heard in stream:
            now = seen if heard is Heard.PING else await asyncio.to_thread(token)
            yield _message(Heard.PING if heard is Heard.CHANGE and now == seen else heard)
            seen = now


async def _until_it_fails(messages: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The messages; where the store cannot be read they end, and the page asks again."""
    try:
        async for message in messages:
            yield message
    except Exception as error:
        _log.error("could not go on telling a page of changes: %s", error, exc_info=error)


def live_routes(store: Store) -> list[HTTPRouteHandler]:
    """`/live`, over one store."""
    changes = Changes(store)

    @get("/live", include_in_schema=False)
    async def live(session: FromQuery[str | None] = None) -> Stream:
        """A stream of `watching`, then `change` whenever the list, or the one session asked for, is not what it was.

        404 for a session that is not there: nothing would ever be told of it.
        """
        if session is not None:
            try:
                await asyncio.to_thread(store.session_change_token, session)
            except UnknownSession:
                raise NotFoundException("there is no session with this id") from None
        content = _all_sessions(changes) if session is None else _one_session(changes, store, session)
        # A proxy that gathers an answer until it is whole would never hand this one on; nginx does not where told so.
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return Stream(_until_it_fails(content), media_type="text/event-stream", headers=headers)

    return [live]
