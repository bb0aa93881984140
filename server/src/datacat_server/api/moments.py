"""Instants in an address."""

from datetime import datetime
from typing import Annotated

from litestar.params import QueryParameter

from datacat_server.api.errors import BadRequest
from datacat_server.instants import AGES, TooFarBack, read_instant

INSTANT = (
    "RFC 3339, such as 2026-01-31T12:00:00Z, a date, how long ago, such as -90min, -24h or -7d, or seconds since 1970"
    " UTC (with 13 digits, milliseconds)."
)

From = Annotated[str | None, QueryParameter(name="from", description=f"From then on: {INSTANT}")]
To = Annotated[str | None, QueryParameter(name="to", description=f"Before then: {INSTANT}")]


def moment(name: str, text: str | None) -> datetime | None:
    """The instant that a query parameter says, None where it is absent or empty. Raises BadRequest, which names it."""
    if not text:
        return None
    try:
        return read_instant(text)
    except TooFarBack:
        raise BadRequest(f"{name}: {text} is too far back: before 1970 there is nothing") from None
    except ValueError:
        raise BadRequest(
            f"{name}: expected RFC 3339, such as 2026-01-31T12:00:00Z, or seconds since 1970, or how long ago, such as"
            f" -7d (in {AGES})"
        ) from None
