"""The filter of events as query parameters, for every call that lists them."""

from typing import Annotated

from litestar.di import NamedDependency, Provide
from litestar.params import QueryParameter, SkipValidation

from datacat_server.api.moments import From, To, moment
from datacat_server.filters import LONGEST_Q
from datacat_server.model import Level
from datacat_server.store.views import EventQuery

EVENTS_WANTED = "wanted"
"""The name under which a handler takes it: `wanted: EventsWanted`."""

EventsWanted = NamedDependency[SkipValidation[EventQuery]]


def events_wanted(
    level: Annotated[Level | None, QueryParameter(description="This level only.")] = None,
    min_level: Annotated[
        Level | None,
        QueryParameter(description="That level and above: debug, info, warning, error, critical."),
    ] = None,
    name: Annotated[str | None, QueryParameter(description="The event's name, exactly.")] = None,
    category: Annotated[str | None, QueryParameter(description="Its category, exactly.")] = None,
    group: Annotated[str | None, QueryParameter(description="Its group, exactly.")] = None,
    label: Annotated[str | None, QueryParameter(description="One of its labels, exactly.")] = None,
    q: Annotated[
        str | None,
        QueryParameter(
            max_length=LONGEST_Q,
            description="Part of the name, message, data or the exception's message, in whatever case.",
        ),
    ] = None,
    start: From = None,
    end: To = None,
    exceptions: Annotated[bool, QueryParameter(description="Exceptions only.")] = False,
) -> EventQuery:
    """The events that a request asks for. Raises BadRequest, which names the parameter."""
    return EventQuery(
        level=level,
        min_level=min_level,
        name=name or None,
        category=category or None,
        group=group or None,
        label=label or None,
        q=q or None,
        start=moment("from", start),
        end=moment("to", end),
        exceptions=exceptions,
    )


provide_events_wanted = Provide(events_wanted, sync_to_thread=False)
