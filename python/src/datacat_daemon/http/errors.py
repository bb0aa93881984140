"""What is answered when a request is not done."""

from __future__ import annotations


class HttpError(Exception):
    """Answered as `{"error": <error>, "details": <details>}` with this status.

    Attributes:
        status: the HTTP status.
        error: the kind of error, in a word or two.
        details: what to do about it.
        headers: further ones of the answer.
    """

    def __init__(self, status: int, error: str, details: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(f"{status} {error}: {details}")
        self.status = status
        self.error = error
        self.details = details
        self.headers = headers or {}


def bad_request(details: str) -> HttpError:
    """What was sent cannot be right; `details` begins with the name of the field."""
    return HttpError(400, "bad_request", details)


def not_found(details: str) -> HttpError:
    """There is no such thing here."""
    return HttpError(404, "not_found", details)


def unavailable(details: str) -> HttpError:
    """It cannot be done now; the same request may be sent again."""
    return HttpError(503, "unavailable", details, {"Retry-After": "1"})
