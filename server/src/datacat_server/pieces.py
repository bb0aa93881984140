"""JSON that is read in pieces, as an answer of the API or the web."""

from collections.abc import Iterator
from itertools import chain

from litestar import Response
from litestar.response import Stream


def json_of(pieces: Iterator[bytes]) -> Response[bytes] | Stream:
    """The JSON that the pieces are together. The first two are read here: where there is one only, it has a length."""
    first, second = next(pieces), next(pieces, None)
    if second is None:
        return Response(first, media_type="application/json")
    return Stream(chain([first, second], pieces), media_type="application/json")
