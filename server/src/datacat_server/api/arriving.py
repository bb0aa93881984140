"""A body while it comes in: in memory as long as it is small, else in a file, so that slow senders of large ones cost
no memory."""

from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from tempfile import TemporaryFile
from typing import IO, Any

from litestar import Request

_LARGEST_IN_MEMORY = 256 * 1024


@asynccontextmanager
async def arrived(request: Request[Any, Any, Any]) -> AsyncIterator[bytes | IO[bytes]]:
    """The whole body of a request, as bytes or as a file that stands at its beginning and is gone afterwards."""
    chunks: list[bytes] = []
    size = 0
    file: IO[bytes] | None = None
    with ExitStack() as stack:
        async for chunk in request.stream():
            size += len(chunk)
            chunks.append(chunk)
            if size > _LARGEST_IN_MEMORY:
                file = file or stack.enter_context(TemporaryFile(prefix="datacat-"))
                file.writelines(chunks)
                chunks.clear()
        if file is None:
            yield b"".join(chunks)
        else:
            file.seek(0)
            yield file
