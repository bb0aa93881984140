"""What a handler says of itself for the description of the API, where its signature does not tell.

A body that is read by hand: `opt=declares(body=NewEvent)`. An answer that is encoded by hand:
`responses={200: ResponseSpec(SessionPage)}`, as Litestar has it.
"""

from typing import Any

from litestar.openapi.datastructures import ResponseSpec
from msgspec import Struct

__all__ = ["Body", "ResponseSpec", "declares", "raising"]

BODY = "body"
"""The option that holds a `Body`."""

ERRORS = "errors"
"""The option that holds the statuses of errors that nothing else tells of."""

JSON = "application/json"
NDJSON = "application/x-ndjson"


class Body(Struct, frozen=True, kw_only=True):
    """The body that a call takes: the type of what it holds, how it is written, whether it may be left out."""

    type: Any
    media_type: str = JSON
    required: bool = True
    example: Any = None

    def __deepcopy__(self, memo: dict[int, Any]) -> "Body":
        return self  # nothing in it changes; Litestar copies the options of its handlers, which types do not allow


def declares(body: Any, *, media_type: str = JSON, required: bool = True, example: Any = None) -> dict[str, Any]:
    """The options of a handler that takes a body. `example`: a body that works."""
    return {BODY: Body(type=body, media_type=media_type, required=required, example=example)}


def raising(*statuses: int) -> dict[str, Any]:
    """The options of a handler that answers with errors that neither its path nor its body tells of."""
    return {ERRORS: statuses}
