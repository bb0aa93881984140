"""A body while it comes in: in memory as long as it is small, else in a file, so that slow senders of large ones cost
no memory."""

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import IO, Any

from litestar import Request

from datacat_server.store.errors import StoreUnavailable

_LARGEST_IN_MEMORY = 256 * 1024


@asynccontextmanager
async def arrived(request: Request[Any, Any, Any]) -> AsyncIterator[bytes | IO[bytes]]:
    """The whole body of a request, as bytes or as a file that stands at its beginning and is gone afterwards.

    Raises StoreUnavailable where there is no room for the file.
    """
    chunks: list[bytes] = []
    size = 0
    file: IO[bytes] | None = None
    try:
        async for chunk in request.stream():
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
