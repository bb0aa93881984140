"""The events of all sessions in the order in which they arrived, for whoever follows them."""

from typing import Protocol

from msgspec import Struct

from datacat_server.store.views import EventQuery, StoredEvent


class Arrival(Struct, frozen=True):
    """An event, and the session that it belongs to."""

    session_id: str
    product: str
    version: str
    stored: StoredEvent


class Arrivals(Struct, frozen=True):
    """Events by their numbers, the smallest first. What comes later has a greater number than `next`.

    `more`: so many have arrived that not all were looked at; the rest is there now, after `next`.
    """

    events: list[Arrival]
    next: int
    more: bool


class ArrivalStore(Protocol):
    """What a store knows of the order in which events came in."""

    def arrivals(
        self,
        wanted: EventQuery,
        *,
        after: int | None = None,
        limit: int = 100,
        product: str | None = None,
        session_id: str | None = None,
    ) -> Arrivals:
        """The events after a number, of all sessions or those named, that are wanted; without one the newest.

        A bounded number of events is looked at: of the newest, those that arrived last. What an import brings has
        not arrived in this sense where it was imported in parts.
        """
        ...
