"""What commands read of the API's answers, beside the shapes of the model itself."""

from msgspec import Struct

from datacat_server.model import Event
from datacat_server.store.views import StoredEvent


class NumberedEvent(Event, kw_only=True, frozen=True):
    """An event; one of many sessions says of which it is."""

    number: int
    session_id: str = ""
    product: str = ""
    version: str = ""

    @property
    def stored(self) -> StoredEvent:
        return StoredEvent(self.number, self)


class EventPage(Struct, frozen=True):
    """Events of one session."""

    events: list[NumberedEvent]


class Arrivals(Struct, frozen=True):
    """Events in the order of their arrival; `next` is what to go on with, `more` that there are some already."""

    events: list[NumberedEvent]
    next: int
    more: bool
