"""The events of all sessions as they come in."""

from typing import Annotated

from litestar import Response, Router, get
from litestar.params import QueryParameter
from msgspec import Struct

from datacat_server.api.declared import JSON, ResponseSpec
from datacat_server.api.errors import BadRequest
from datacat_server.api.event_filtering import EventsWanted
from datacat_server.api.session_views import NumberedEvent
from datacat_server.api.sessions import StoreDependency
from datacat_server.model import Event, encode
from datacat_server.store.arrivals import Arrival

_LARGEST = 2**63 - 1


class ArrivedEvent(NumberedEvent, kw_only=True, frozen=True):
    """An event, and the session that it belongs to.

    Attributes:
        session_id: the session's id.
        product: the session's product.
        version: the session's version.
    """

    session_id: str
    product: str
    version: str


class ArrivedEvents(Struct, frozen=True):
    """Events in the order in which they arrived.

    Attributes:
        events: the events, what arrived first comes first.
        next: the number to give as `after`, for those that follow.
        more: whether there is more to look at: then ask again now.
    """

    events: list[ArrivedEvent]
    next: int
    more: bool


@get("/api/events", sync_to_thread=True, responses={200: ResponseSpec(ArrivedEvents, description="Events")})
def arrived_events(
    store: StoreDependency,
    wanted: EventsWanted,
    after: Annotated[
        int | None, QueryParameter(ge=0, le=_LARGEST, description="`next` of the answer before; else the newest.")
    ] = None,
    product: Annotated[str | None, QueryParameter(description="The session's product, exactly.")] = None,
    session: Annotated[str | None, QueryParameter(description="The session's id.")] = None,
    limit: Annotated[int, QueryParameter(ge=1, le=1000)] = 100,
) -> Response[bytes]:
    """Events in the order of their arrival, of all sessions: those after a number, else the newest.

    Who asks again and again with `next` sees each event once, across a restart of the server too. Of the newest,
    the 20,000 that arrived last are looked at.
    """
    try:
        found = store.arrivals(wanted, after=after, limit=limit, product=product or None, session_id=session or None)
    except ValueError as error:
        raise BadRequest(str(error)) from None
    content = ArrivedEvents([_arrived(arrival) for arrival in found.events], found.next, found.more)
    return Response(encode(content), media_type=JSON)


def _arrived(arrival: Arrival) -> ArrivedEvent:
    event = arrival.stored.event
    return ArrivedEvent(
        number=arrival.stored.number,
        session_id=arrival.session_id,
        product=arrival.product,
        version=arrival.version,
        **{name: getattr(event, name) for name in Event.__struct_fields__},
    )


router = Router("/", route_handlers=[arrived_events])
