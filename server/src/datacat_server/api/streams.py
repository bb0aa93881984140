"""Answers that are sent while they are read: one JSON array of any length, with little of it in memory at a time."""

import asyncio
from collections.abc import Iterator, Sequence
from itertools import chain

from litestar.response import Stream

from datacat_server.api.declared import JSON


async def array_of(pieces: Iterator[Sequence[bytes]]) -> Stream:
    """One array of all that the pieces hold, each element as JSON.

    The first piece is read before the answer begins, so that a store that cannot be read is an error and no half array.
    """
    chunks = _chunks(pieces)
    first = await asyncio.to_thread(next, chunks)
    return Stream(chain([first], chunks), media_type=JSON)


def _chunks(pieces: Iterator[Sequence[bytes]]) -> Iterator[bytes]:
    opening = b"["
    for piece in pieces:
        if piece:
            yield opening + b",\n".join(piece)
            opening = b",\n"
    yield b"]" if opening != b"[" else b"[]"
