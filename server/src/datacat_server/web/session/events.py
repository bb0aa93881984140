"""The table of a session's events: which of them, a page at a time, and the choices above it."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from datacat_server import wording
from datacat_server.model import Level, Session
from datacat_server.store.protocol import Store
from datacat_server.store.views import EventPage, EventQuery, Timeline
from datacat_server.telling.event_rows import EventRow, event_row
from datacat_server.web.session.query import EXCEPTIONS, IN_VIEW, Query, WrongQuestion
from datacat_server.web.session.timeline.axis import View

FIRST_PAGE = 50
LATER_PAGES = 100
_WITH = "with an exception"


@dataclass(frozen=True)
class Choice:
    """One choice above the table, with how many events it picks in all of the session."""

    name: str
    words: str
    count: int
    address: str
    current: bool


@dataclass(frozen=True)
class Picked:
    """A filter that is set, in words, and the address without it."""

    words: str
    address: str


@dataclass(frozen=True)
class Table:
    """A page of events as rows; `older` is where those after it are, None at the end.

    `unfinished`: not all the events up to there were looked at yet. `here`: the number of the last event up to the
    instant that is looked at.
    """

    rows: list[EventRow]
    older: str | None
    unfinished: bool
    here: int | None


def wanted(query: Query, start: datetime, view: View) -> EventQuery:
    """Which events are meant."""
    level = query.level
    seen = query.span == IN_VIEW
    end = view.end if seen else None
    if query.until is not None:
        end = max(0.0, query.until) if end is None else min(end, max(0.0, query.until))
    return EventQuery(
        level=Level(level) if level and level != EXCEPTIONS else None,
        exceptions=level == EXCEPTIONS,
        category=query.category,
        label=query.label,
        group=query.group,
        name=query.name,
        q=query.q,
        start=start + timedelta(seconds=view.begin) if seen else None,
        end=None if end is None else _just_after(start, end),
    )


def _just_after(start: datetime, seconds: float) -> datetime:
    try:
        return start + timedelta(seconds=seconds, microseconds=1)
    except OverflowError:
        return datetime.max.replace(tzinfo=UTC)


def page(store: Store, query: Query, start: datetime, view: View, limit: int) -> EventPage:
    """A page of the events that are meant. Raises UnknownSession, and WrongQuestion for a cursor that is none."""
    try:
        return store.event_page(query.session_id, wanted(query, start, view), limit=limit, cursor=query.cursor)
    except ValueError as error:
        raise WrongQuestion(str(error)) from None


def table(found: EventPage, query: Query, start: datetime, limit: int) -> Table:
    """A page as rows. `start`: of the session's time axis."""
    rows = [event_row(stored, start) for stored in found.events]
    return Table(
        rows=rows,
        older=found.cursor and query.here(cursor=found.cursor),
        unfinished=found.cursor is not None and len(found.events) < limit,
        here=_last_upto(rows, query.at) if query.cursor is None else None,
    )


def _last_upto(rows: list[EventRow], at: float | None) -> int | None:
    return None if at is None else next((row.number for row in rows if row.at <= at), None)


def choices(session: Session, whole: Timeline, query: Query) -> list[Choice]:
    """All events, and those of each level there is; `whole`: the counts of all of the session."""
    levels = {level: sum(counts) for level, counts in whole.levels.items()}
    counts = {level.value: levels.get(level.value, 0) for level in reversed(Level)}
    found = [Choice("all", "all", sum(levels.values()), query.here(level=None), query.level is None)]
    # An exception is of a level too, and counted there.
    named = [*((name, name, count) for name, count in counts.items()), (EXCEPTIONS, _WITH, session.exception_count)]
    for name, words, count in named:
        if count or name == query.level:
            found.append(Choice(name, words, count, query.here(level=name), name == query.level))
    return found


def picked(query: Query) -> list[Picked]:
    """The filters that are set beside the level, each to be taken away."""
    found = [
        Picked(f"{name}: {value}", query.here(**{name: None}))
        for name in ("category", "label", "group", "name")
        if (value := getattr(query, name))
    ]
    if query.q:
        found.append(Picked(f"“{query.q}”", query.here(q=None)))
    if query.until is not None:
        found.append(Picked(f"up to {wording.elapsed(query.until)}", query.here(until=None)))
    if query.span == IN_VIEW:
        found.append(Picked("in the timeline’s view", query.here(span=None)))
    return found
