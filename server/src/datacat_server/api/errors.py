"""Every error as `{"error": kind, "details": what to do}`."""

import logging
import re
from collections.abc import Collection
from typing import Any

from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException
from litestar.types import ExceptionHandlersMap

from datacat_server.ingest.explain import explain
from datacat_server.ingest.unpack import BodyTooLarge, UnreadableBody, UnsupportedBody
from datacat_server.store.errors import StoreBusy, StoreError
from datacat_server.store.protocol import UnknownSession

log = logging.getLogger("datacat.api")

KINDS = {
    400: "bad_request",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    413: "too_large",
    429: "too_many_requests",
    503: "unavailable",
}
UNREADABLE = "unreadable"
"""The kind of a 400 that is no word about what was sent: it did not come as it was sent, and may be sent again."""


# What Litestar says of a required parameter that was not sent; the name is in no field of its own.
_MISSING = re.compile(r"Missing required \w+ parameter '(?P<name>[^']+)' for path ")


class BadRequest(Exception):
    """What was sent will not do; the message is `field: what is wrong`."""


def error_response(
    status: int, details: str, headers: dict[str, str] | None = None, kind: str | None = None
) -> Response[Any]:
    """The one shape that errors have; `kind` goes by the status unless it is given."""
    kind = kind or KINDS.get(status, "bad_request" if status < 500 else "internal_error")
    content = {"error": kind, "details": details}
    return Response(content, status_code=status, media_type="application/json", headers=headers)


def allow_header(methods: Collection[str]) -> str:
    """The value of `Allow`; who takes GET takes HEAD."""
    allowed = {*methods, "HEAD"} if "GET" in methods else set(methods)
    return ", ".join(sorted(allowed))


def _on_http_error(request: Request[Any, Any, Any], error: HTTPException) -> Response[Any]:
    where = f"{request.method} {request.url.path}"
    headers = dict(error.headers or {})
    match error.status_code:
        case 404:
            details = f"there is nothing at {where}; sessions are at /api/sessions, the web UI has a port of its own"
        case 405:
            headers["Allow"] = allow_header(headers.pop("allow", "").split(", "))
            details = f"{where} is not a call; this address takes {headers['Allow']}"
        case 413:
            details = "the body is larger than 16 MB; send it in parts"
        case _:
            details = error.detail
    return error_response(error.status_code, details, headers)


def _on_validation_error(request: Request[Any, Any, Any], error: ValidationException) -> Response[Any]:
    for found in error.extra if isinstance(error.extra, list) else []:
        return error_response(400, explain(ValueError(found.get("message", "")), str(found.get("key"))))
    if missing := _MISSING.match(error.detail):
        advice = "; /api/metrics/names lists them" if request.url.path == "/api/metrics" else ""
        return error_response(400, f"{missing['name']}: is missing{advice}")
    return error_response(400, error.detail)


def _on_bad_request(request: Request[Any, Any, Any], error: BadRequest | UnsupportedBody) -> Response[Any]:
    return error_response(400, str(error))


def _on_too_large(request: Request[Any, Any, Any], error: BodyTooLarge) -> Response[Any]:
    return error_response(413, str(error))


def _on_unreadable(request: Request[Any, Any, Any], error: UnreadableBody) -> Response[Any]:
    return error_response(400, str(error), kind=UNREADABLE)


def _on_unknown_session(request: Request[Any, Any, Any], error: UnknownSession) -> Response[Any]:
    advice = "; create it with POST /api/sessions" if request.method == "POST" else ""
    return error_response(404, f"there is no session {error.args[0]!r}{advice}")


def _on_busy(request: Request[Any, Any, Any], error: StoreBusy) -> Response[Any]:
    return error_response(429, str(error), {"Retry-After": "2"})


def _on_store_error(request: Request[Any, Any, Any], error: StoreError) -> Response[Any]:
    log.error("%s (at %s %s)", error, request.method, request.url.path)
    return error_response(503, str(error), {"Retry-After": "10"})


def _on_bug(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return error_response(500, "the server failed at this; its log says more")


EXCEPTION_HANDLERS: ExceptionHandlersMap = {
    HTTPException: _on_http_error,
    ValidationException: _on_validation_error,
    BadRequest: _on_bad_request,
    BodyTooLarge: _on_too_large,
    UnreadableBody: _on_unreadable,
    UnsupportedBody: _on_bad_request,
    UnknownSession: _on_unknown_session,
    StoreBusy: _on_busy,
    StoreError: _on_store_error,
    Exception: _on_bug,
}


def answer_to(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """What a request is answered that came to an error: by the handler of the nearest of its classes."""
    handler = next(EXCEPTION_HANDLERS[kind] for kind in type(error).__mro__ if kind in EXCEPTION_HANDLERS)
    return handler(request, error)
