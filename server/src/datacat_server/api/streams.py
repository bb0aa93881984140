"""Answers that are sent while they are read: one JSON array of any length, with little of it in memory at a time."""

import asyncio
from collections.abc import Iterable, Iterator
from itertools import chain

from litestar.response import Stream

from datacat_server.api.declared import JSON


async def array_of(elements: Iterator[Iterable[bytes]]) -> Stream:
    """One array. Each of `elements` is one, or several with commas between them, as JSON in pieces.

    The first piece is read before the answer begins, so that a store that cannot be read is an error and no half array.
    """
    chunks = _chunks(elements)
    first = await asyncio.to_thread(next, chunks)
    return Stream(chain([first], chunks), media_type=JSON)


def _chunks(elements: Iterator[Iterable[bytes]]) -> Iterator[bytes]:
    opening, separator = b"[", b"["
    for some in elements:
        for piece in some:
            yield separator + piece
            separator = b""
        opening, separator = b"", b",\n"
    yield opening + b"]"
