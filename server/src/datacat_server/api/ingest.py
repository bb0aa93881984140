"""The batch call that daemons use (docs/design/records.md, `POST /api/ingest`)."""

import asyncio
from typing import Any

import msgspec
from litestar import Request, Response, post

from datacat_server.api.auth import INGESTS
from datacat_server.api.errors import BadRequest
from datacat_server.api.sessions import JSON, StoreDependency
from datacat_server.ingest.decode import decode_batches
from datacat_server.ingest.unpack import ENCODINGS, UnreadableBody, unpacked
from datacat_server.store.errors import StoreBusy
from datacat_server.store.protocol import Store

_MOST_AT_ONCE = 256
"""Batches that may wait to be written. Those that are still arriving do not count: a slow sender blocks nobody."""


class _Gate:
    """Counts the batches that are under way."""

    def __init__(self) -> None:
        self._inside = 0

    def __enter__(self) -> None:
        if self._inside >= _MOST_AT_ONCE:
            raise StoreBusy("too many batches at once; send it again in a few seconds")
        self._inside += 1

    def __exit__(self, *exc_info: object) -> None:
        self._inside -= 1


_gate = _Gate()


@post("/api/ingest", status_code=200, opt=INGESTS)
async def ingest(request: Request[Any, Any, Any], store: StoreDependency) -> Response[bytes]:
    """Apply a batch; answers when it is on disk, with the positions reached and the records refused."""
    body = await request.body()
    encoding = request.headers.get("content-encoding")
    with _gate:
        answer = await asyncio.to_thread(_apply, store, body, encoding)
    # Who sends zstd knows already what is unpacked here.
    told = {} if encoding == "zstd" else {"Accept-Encoding": ENCODINGS}
    return Response(answer, media_type=JSON, headers=told)


def _apply(store: Store, body: bytes, encoding: str | None) -> bytes:
    try:
        with unpacked(body, encoding) as content:
            batches, stray = decode_batches(content)
            result = store.ingest(batches)
    except UnreadableBody as error:
        raise BadRequest(str(error)) from None
    result.refused.extend(stray)
    return msgspec.json.encode(result)
