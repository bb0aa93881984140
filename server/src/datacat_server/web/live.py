"""Tells open pages, over server-sent events, that what they show has changed; they fetch it themselves.

One task looks at the store's change token, and only while a page is open. The stream of one session says something
only when that session's own row changed.
"""

import asyncio
from collections.abc import AsyncIterator

from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery
from litestar.response import Stream

from datacat_server.model import SessionSummary
from datacat_server.store.errors import StoreError
from datacat_server.store.protocol import Store, UnknownSession

POLL_SECONDS = 0.5
PING_SECONDS = 5.0


class Changes:
    """Watches one store for all open pages."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._listeners: set[asyncio.Event] = set()
        self._watch: asyncio.Task[None] | None = None

    async def follow(self) -> AsyncIterator[bool]:
        """True whenever the store has changed since the last time, False after PING_SECONDS without a change."""
        changed = asyncio.Event()
        self._listeners.add(changed)
        if self._watch is None or self._watch.done():
            self._watch = asyncio.create_task(self._poll())
        try:
            while True:
                try:
                    await asyncio.wait_for(changed.wait(), PING_SECONDS)
                except TimeoutError:
                    yield False
                else:
                    changed.clear()
                    yield True
        finally:
            self._listeners.discard(changed)

    async def _poll(self) -> None:
        seen = await self._token()
        while self._listeners:
            await asyncio.sleep(POLL_SECONDS)
            token = await self._token()
            if token != seen:
                seen = token
                for changed in self._listeners:
                    changed.set()

    async def _token(self) -> object:
        try:
            return await asyncio.to_thread(self._store.change_token)
        except StoreError:
            return None  # unlike the token before and the one after it: pages look again


def _message(event: str) -> bytes:
    return f"event: {event}\ndata: \n\n".encode()


async def _all_sessions(changes: Changes) -> AsyncIterator[bytes]:
    yield _message("open")
    async for changed in changes.follow():
        yield _message("change" if changed else "ping")


async def _one_session(changes: Changes, store: Store, session_id: str) -> AsyncIterator[bytes]:
    def summary() -> SessionSummary | None:
        try:
            return store.session(session_id, ())
        except UnknownSession:
            return None

    yield _message("open")
    seen = await asyncio.to_thread(summary)
    async for changed in changes.follow():
        now = await asyncio.to_thread(summary) if changed else seen
        yield _message("change" if now != seen else "ping")
        seen = now


def live_routes(store: Store) -> list[HTTPRouteHandler]:
    """`/live`, over one store."""
    changes = Changes(store)

    @get("/live", include_in_schema=False)
    async def live(session: FromQuery[str | None] = None) -> Stream:
        """A stream of `open`, then `change` whenever the list, or the one session asked for, is not what it was."""
        content = _all_sessions(changes) if session is None else _one_session(changes, store, session)
        return Stream(content, media_type="text/event-stream", headers={"Cache-Control": "no-store"})

    return [live]
