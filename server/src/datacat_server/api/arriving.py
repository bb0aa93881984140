"""A body while it comes in: in memory as long as it is small, else in a file, so that slow senders of large ones cost
no memory."""

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import IO

from litestar.exceptions import HTTPException
from litestar.types import HTTPScope, Receive

from datacat_server.ingest.decode import LARGEST_BODY
from datacat_server.store.errors import StoreUnavailable

_LARGEST_IN_MEMORY = 256 * 1024


class Disconnected(HTTPException):
    """Whoever sent the request is gone, before all of it was here; nobody waits for an answer."""

    status_code = 400


async def chunks_of(scope: HTTPScope, receive: Receive) -> AsyncIterator[bytes]:
    """The body of a request as it comes. Raises HTTPException (413) for a body beyond the limit, and Disconnected."""
    for name, value in scope["headers"]:
        if name == b"content-length" and int(value) > LARGEST_BODY:
            raise HTTPException(status_code=413)  # `api.errors` says the rest
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise Disconnected
        size += len(message["body"])
        if size > LARGEST_BODY:
            raise HTTPException(status_code=413)
        yield message["body"]
        if not message.get("more_body", False):
            return


@asynccontextmanager
async def arrived(body: AsyncIterator[bytes]) -> AsyncIterator[bytes | IO[bytes]]:
    """The whole of a body, as bytes or as a file that stands at its beginning and is gone afterwards.

    Raises StoreUnavailable where there is no room for the file.
    """
    chunks: list[bytes] = []
    size = 0
    file: IO[bytes] | None = None
    try:
        async for chunk in body:
            size += len(chunk)
            chunks.append(chunk)
            if size > _LARGEST_IN_MEMORY:
                file = _put_away(file, chunks)
                chunks.clear()
        if file is None:
            yield b"".join(chunks)
        else:
            file.seek(0)
            yield file
    finally:
        if file is not None:
            with suppress(OSError):  # what could not be written is tried again here
                file.close()


def _put_away(file: IO[bytes] | None, chunks: list[bytes]) -> IO[bytes]:
    try:
        file = file or tempfile.TemporaryFile(prefix="datacat-")  # noqa: SIM115
        file.writelines(chunks)
        file.flush()
    except OSError as error:
        if file is not None:
            with suppress(OSError):
                file.close()
        where = f"{error.strerror} in {tempfile.gettempdir()}"
        raise StoreUnavailable(
            f"the server has no room for a large body ({where}); free some there, then send it again"
        ) from error
    return file
