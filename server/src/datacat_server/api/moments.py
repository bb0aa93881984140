"""Instants in an address."""

import re
from datetime import UTC, datetime, timedelta

from datacat_server.api.errors import BadRequest

DESCRIPTION = "RFC 3339, such as 2026-01-31T12:00:00Z, or seconds since 1970 UTC."

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST = 253_402_300_799


def moment(name: str, text: str | None) -> datetime | None:
    """The instant that a query parameter says, None where it is absent or empty. Raises BadRequest, which names it."""
    if not text:
        return None
    try:
        return _read(text)
    except (ValueError, OverflowError):
        raise BadRequest(f"{name}: expected RFC 3339, such as 2026-01-31T12:00:00Z, or seconds since 1970") from None


def _read(text: str) -> datetime:
    if re.fullmatch(r"\d{1,12}(\.\d+)?", text):
        seconds = float(text)
        if seconds > _LAST:
            raise ValueError(text)
        return _EPOCH + timedelta(microseconds=round(seconds * 1_000_000))
    # What was a plus in an address that nobody quoted has become a blank.
    instant = datetime.fromisoformat(re.sub(r" (\d\d:\d\d)$", r"+\1", text) if "T" in text else text)
    instant = (instant if instant.tzinfo else instant.replace(tzinfo=UTC)).astimezone(UTC)
    if instant < _EPOCH:
        raise ValueError(text)
    return instant
