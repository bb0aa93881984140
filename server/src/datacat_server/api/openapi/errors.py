"""The errors of all calls, described once."""

from typing import Any

from msgspec import Struct

from datacat_server.api.declared import JSON
from datacat_server.api.errors import KINDS


class Error(Struct):
    """What went wrong.

    Attributes:
        error: its kind, for programs, such as `bad_request`.
        details: what to do about it, for people; begins with the name of the field, where one is wrong.
    """

    error: str
    details: str


class _Described(Struct):
    description: str
    example: str
    headers: dict[str, str] = {}


_ERRORS = {
    400: _Described(
        "What was sent will not do; the details begin with the name of the field.",
        "limit: expected a whole number >= 1",
    ),
    401: _Described(
        "The API key is missing or wrong.",
        "the API key is missing; send it as Authorization: Bearer <key>",
        {"WWW-Authenticate": "Bearer"},
    ),
    403: _Described(
        "The API key has not the scope that this needs.",
        "this needs a key with the scope read; the key 'build-machines' has ingest",
    ),
    404: _Described(
        "There is no such thing.",
        "there is no session 'nobody'",
    ),
    405: _Described(
        "The address has no such method; what it takes is said in Allow.",
        "PUT /api/sessions is not a call; this address takes GET, HEAD, OPTIONS, POST",
        {"Allow": "GET, HEAD, OPTIONS, POST"},
    ),
    413: _Described(
        "The body, or a record in it, is too large.",
        "the body is larger than 16 MB; send it in parts",
    ),
    429: _Described(
        "Too much at once, or too many wrong keys: try again after so many seconds.",
        "too much is waiting to be written; send it again in a few seconds",
        {"Retry-After": "2"},
    ),
    503: _Described(
        "The store cannot do it now, because the disk is full for example: try again after so many seconds.",
        "the disk of the server is full; free some space",
        {"Retry-After": "10"},
    ),
}


def error_responses() -> dict[str, Any]:
    """The answers of all errors, by the names that `error_reference` refers to."""
    return {_name(status): _response(status, described) for status, described in _ERRORS.items()}


def error_reference(status: int) -> dict[str, str]:
    return {"$ref": f"#/components/responses/{_name(status)}"}


def _response(status: int, described: _Described) -> dict[str, Any]:
    example = {"error": KINDS[status], "details": described.example}
    content = {JSON: {"schema": {"$ref": f"#/components/schemas/{Error.__name__}"}, "example": example}}
    headers = {
        name: {"schema": {"type": "string"}, "required": True, "example": value}
        for name, value in described.headers.items()
    }
    return {"description": described.description, "content": content} | ({"headers": headers} if headers else {})


def _name(status: int) -> str:
    return "".join(word.capitalize() for word in KINDS[status].split("_"))
