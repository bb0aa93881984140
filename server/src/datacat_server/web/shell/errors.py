"""Errors as pages that say what to do, and as JSON for those who asked for it."""

import errno
import logging
from typing import Any

from litestar import Request, Response
from litestar.exceptions import HTTPException, NotFoundException

from datacat_server.ingest.explain import explain
from datacat_server.store.errors import StoreError
from datacat_server.web.shell.negotiation import json_response, wants_json
from datacat_server.web.shell.rendering import Renderer

_log = logging.getLogger(__name__)

_KINDS = {400: "bad_request", 403: "forbidden", 404: "not_found", 405: "method_not_allowed", 503: "unavailable"}


class PageError(Exception):
    """An error to show: its HTTP status, what is wrong, and what to do about it."""

    def __init__(self, status_code: int, title: str, advice: str) -> None:
        super().__init__(title)
        self.status_code = status_code
        self.title = title
        self.advice = advice


class ErrorPages:
    """Turns whatever a page raises into an answer."""

    def __init__(self, renderer: Renderer) -> None:
        self._renderer = renderer

    def page_error(self, request: Request[Any, Any, Any], error: PageError) -> Response[bytes]:
        if wants_json(request):
            kind = _KINDS.get(error.status_code, "internal_error")
            return json_response({"error": kind, "details": f"{error.title} {error.advice}"}, error.status_code)
        return self._renderer.page(
            "shell/error.html", error.status_code, status=error.status_code, title=error.title, advice=error.advice
        )

    def http_error(self, request: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
        match error.status_code:
            case 404:
                known = PageError(404, "There is no such page.", "The address may be cut off, or from another version.")
            case 405:
                known = PageError(405, "This page can only be read.", "Open it in a browser, or with a GET request.")
            case status if status < 500:
                known = PageError(status, "The address is not right.", _what_is_wrong(error))
            case _:
                return self.unexpected(request, error)
        return self.page_error(request, known)

    def static_error(self, request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
        """The answer to a failure with a file; one that has a name that no file can have is just not there."""
        cause = error.__cause__
        if isinstance(error, ValueError) or (isinstance(cause, OSError) and cause.errno == errno.ENAMETOOLONG):
            return self.http_error(request, NotFoundException())
        return self.unexpected(request, error)

    def store_error(self, request: Request[Any, Any, Any], error: StoreError) -> Response[bytes]:
        _log.error("%s (at %s)", error, request.url.path)
        return self.page_error(request, PageError(503, "The sessions could not be read.", f"{error}."))

    def unexpected(self, request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
        _log.error("could not answer %s", request.url.path, exc_info=error)
        advice = "The server's log says why. Try again; if it stays, report it with what the log says."
        return self.page_error(request, PageError(500, "This page could not be made.", advice))


def _what_is_wrong(error: HTTPException) -> str:
    """Which parameter will not do, and what it should be, where that is known."""
    for found in error.extra if isinstance(error.extra, list) else []:
        return f"{explain(ValueError(found.get('message', '')), str(found.get('key')))}."
    return str(error.detail)
