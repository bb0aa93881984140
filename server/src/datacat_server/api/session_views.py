"""Parts of one session, paged or folded: its events, metrics, state and timeline."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any, Literal

from litestar import Response, get
from litestar.params import FromPath, FromQuery, QueryParameter
from msgspec import Struct

from datacat_server.api.declared import JSON, ResponseSpec
from datacat_server.api.errors import BadRequest, error_response
from datacat_server.api.event_filtering import EventsWanted
from datacat_server.api.moments import INSTANT, From, To, moment
from datacat_server.api.sessions import StoreDependency
from datacat_server.model import Event, encode
from datacat_server.store.views import (
    MetricFilter,
    ReadingPage,
    SeriesPage,
    StateView,
    StoredEvent,
    Timeline,
)

MetricType = Literal["gauge", "counter", "histogram", "timer"]

Moment = Annotated[str | None, QueryParameter(description=f"The state of then; else of now: {INSTANT}")]
Type = Annotated[MetricType | None, QueryParameter(description="The metric's type; else any.")]
Tags = Annotated[list[str] | None, QueryParameter(description="May be repeated: a series has all of them.")]
Vitals = Annotated[bool, QueryParameter(description="What DataCat samples by itself, instead of what was logged.")]


class NumberedEvent(Event, kw_only=True, frozen=True):
    """An event of a session.

    Attributes:
        number: what names it within its session, for good.
    """

    number: int


class Events(Struct, frozen=True):
    """Part of a session's events.

    An answer looks at a bounded number of events: where few of them are meant it holds fewer than the limit, or none,
    and has a cursor all the same.

    Attributes:
        events: the events, in the order of `sort`.
        cursor: asks for the ones after them; null at the end.
    """

    events: list[NumberedEvent]
    cursor: str | None


@get("/events", sync_to_thread=True, responses={200: ResponseSpec(Events, description="A page")})
def session_events(
    store: StoreDependency,
    session_id: FromPath[str],
    wanted: EventsWanted,
    sort: Annotated[
        Literal["-time", "time"], QueryParameter(description="By time; with a `-` in front the newest first.")
    ] = "-time",
    limit: Annotated[int, QueryParameter(ge=1, le=1000)] = 100,
    cursor: FromQuery[str | None] = None,
) -> Response[bytes]:
    """A page of the events that all of the filters hold of; `cursor` of the answer asks for the next one."""
    with _refusing():
        page = store.event_page(session_id, wanted, limit=limit, cursor=cursor or None, oldest_first=sort == "time")
    return _answer(Events([_numbered(stored) for stored in page.events], page.cursor))


@get(
    "/events/{number:int}",
    sync_to_thread=True,
    responses={200: ResponseSpec(NumberedEvent, description="The event")},
)
def session_event(store: StoreDependency, session_id: FromPath[str], number: FromPath[int]) -> Response[Any]:
    """One event, by the number that it has in a page."""
    store.session_change_token(session_id)
    try:
        return _answer(_numbered(store.event(session_id, number)))
    except LookupError as error:
        return error_response(404, str(error))


@get("/state", sync_to_thread=True, responses={200: ResponseSpec(StateView, description="The state then")})
def session_state(store: StoreDependency, session_id: FromPath[str], at: Moment = None) -> Response[bytes]:
    """The state as it was at an instant (default: as it is now), since when, and what changed then."""
    return _answer(store.state(session_id, moment("at", at)))


@get("/timeline", sync_to_thread=True, responses={200: ResponseSpec(Timeline, description="The counts")})
def session_timeline(
    store: StoreDependency,
    session_id: FromPath[str],
    start: From = None,
    end: To = None,
    buckets: Annotated[int, QueryParameter(ge=1, le=4000, description="How many buckets.")] = 240,
) -> Response[bytes]:
    """Events and state changes, counted in buckets of equal length; by default from the first to the last of them."""
    begin, until = moment("from", start), moment("to", end)
    if begin is not None and until is not None and until <= begin:
        raise BadRequest("to: expected an instant after from")
    return _answer(store.timeline(session_id, begin, until, buckets))


@get(
    "/metrics",
    sync_to_thread=True,
    responses={200: ResponseSpec(SeriesPage | ReadingPage, description="Series, or with `raw` readings")},
)
def session_metrics(
    store: StoreDependency,
    session_id: FromPath[str],
    name: Annotated[str | None, QueryParameter(description="The metric's name, exactly; else any.")] = None,
    type: Type = None,
    tags: Tags = None,
    vitals: Vitals = False,
    points: Annotated[int, QueryParameter(ge=2, le=1000, description="So many readings of a series, at most.")] = 240,
    raw: Annotated[bool, QueryParameter(description="All readings, one by one, series after series.")] = False,
    limit: Annotated[int, QueryParameter(ge=1, le=1000)] = 100,
    cursor: FromQuery[str | None] = None,
) -> Response[bytes]:
    """Series with their statistics and a course in which peaks and dips stay; or, with `raw`, every reading."""
    wanted = metric_filter(name, type, tags, vitals)
    with _refusing():
        if raw:
            return _answer(store.reading_page(session_id, wanted, limit=limit, cursor=cursor or None))
        return _answer(store.series_page(session_id, wanted, points=points, limit=limit, cursor=cursor or None))


def metric_filter(name: str | None, kind: str | None, tags: list[str] | None, vital: bool) -> MetricFilter:
    """The series that a request means."""
    return MetricFilter(name=name or None, type=kind, tags=tuple(tag for tag in tags or () if tag), vital=vital)


def _numbered(stored: StoredEvent) -> NumberedEvent:
    event = stored.event
    return NumberedEvent(number=stored.number, **{name: getattr(event, name) for name in Event.__struct_fields__})


def _answer(content: Any) -> Response[bytes]:
    return Response(encode(content), media_type=JSON)


@contextmanager
def _refusing() -> Iterator[None]:
    """What a store will not take of a request is said to its sender."""
    try:
        yield
    except ValueError as error:
        raise BadRequest(str(error)) from None


handlers = [session_events, session_event, session_state, session_timeline, session_metrics]
"""Below the path of a session."""
