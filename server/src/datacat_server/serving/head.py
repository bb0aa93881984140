"""HEAD is GET without the body, whatever is asked for."""

import asyncio

from litestar.types import ASGIApp, Message, Receive, Scope, Send


async def without_body(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer a GET with the headers alone; what would stream its body is not kept at it."""
    enough = asyncio.Event()

    async def send_head(message: Message) -> None:
        if message["type"] == "http.response.body":
            if enough.is_set():
                return
            enough.set()
            message = {"type": "http.response.body", "body": b"", "more_body": False}
        await send(message)

    work = asyncio.ensure_future(app(scope, receive, send_head))
    stop = asyncio.ensure_future(enough.wait())
    try:
        await asyncio.wait({work, stop}, return_when=asyncio.FIRST_COMPLETED)
        if work.done():
            await work
    finally:
        for task in (work, stop):
            task.cancel()
        await asyncio.gather(work, stop, return_exceptions=True)
