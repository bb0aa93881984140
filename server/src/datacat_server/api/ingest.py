"""The batch call that daemons use (docs/design/records.md, `POST /api/ingest`)."""

import asyncio
from typing import IO, Annotated, Any

import msgspec
from litestar import Request, Response, post
from litestar.types import HTTPScope, Receive
from msgspec import Meta

from datacat_server.api.arriving import arrived, chunks_of
from datacat_server.api.auth import INGESTS
from datacat_server.api.declared import JSON, NDJSON, ResponseSpec, declares
from datacat_server.api.sessions import StoreDependency
from datacat_server.ingest.decode import decode_batches
from datacat_server.ingest.result import IngestResult
from datacat_server.ingest.unpack import ENCODINGS, unpacked
from datacat_server.store.errors import StoreBusy
from datacat_server.store.protocol import Store

_MOST_AT_ONCE = 2_000
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

_Lines = Annotated[
    Any,
    Meta(
        description="One JSON object a line, each with its `kind`; gzip or zstd by Content-Encoding. A `session` line, "
        "`writer` lines with the ordinals that the batch settles, then records with their `writer` and `ordinal`. A "
        "line that is wrong is refused by itself, in the answer."
    ),
]
_EXAMPLE = """\
{"kind":"session","id":"3f2a","product":"Game","version":"1.4.2","time":1795298400000000}
{"kind":"writer","writer":"4711-9f02c1-0","first":0,"next":1}
{"kind":"event","writer":"4711-9f02c1-0","ordinal":0,"time":1795298400000001,"name":"moved","data":{"x":1}}
"""


PATH = "/api/ingest"


@post(
    PATH,
    status_code=200,
    opt=INGESTS | declares(_Lines, media_type=NDJSON, required=False, example=_EXAMPLE),
    responses={200: ResponseSpec(IngestResult, description="The positions reached, and what was refused")},
)
async def ingest(request: Request[Any, Any, Any], store: StoreDependency) -> Response[bytes]:
    """Apply a batch; answers when it is on disk, with the positions reached and the records refused."""
    answer, told = await take_in(store, request.scope, request.receive)
    return Response(answer, media_type=JSON, headers=told)


async def take_in(store: Store, scope: HTTPScope, receive: Receive) -> tuple[bytes, dict[str, str]]:
    """Apply the batch that a request brings; the answer, and its headers beside those that every answer has.

    Raises what `EXCEPTION_HANDLERS` has an answer for, and `Disconnected`.
    """
    # Several fields of one name are one list (RFC 9110, 5.3).
    encoding = ", ".join(value.decode("latin-1") for name, value in scope["headers"] if name == b"content-encoding")
    async with arrived(chunks_of(scope, receive)) as body:
        with _gate:
            answer = await asyncio.to_thread(_apply, store, body, encoding)
    # Who sends zstd knows already what is unpacked here.
    return answer, {} if encoding == "zstd" else {"Accept-Encoding": ENCODINGS}


def _apply(store: Store, body: bytes | IO[bytes], encoding: str | None) -> bytes:
    with unpacked(body, encoding) as content:
        batches, stray = decode_batches(content)
        result = store.ingest(batches)
    result.refused.extend(stray)
    return msgspec.json.encode(result)
