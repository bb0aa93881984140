"""What the page of one session reads: parts of a session, paged or folded, so that its size does not matter."""

from datetime import datetime

from msgspec import Struct

from datacat_server.model import Bucket, Event


class StoredEvent(Struct, frozen=True):
    """An event and its number, which names it within its session for good."""

    number: int
    event: Event


class EventPage(Struct, frozen=True):
    """Part of a session's events, newest first; `cursor` asks for the older ones, null at the end."""

    events: list[StoredEvent]
    cursor: str | None


class Timeline(Struct, frozen=True):
    """How often what happened, in buckets of equal length from `start` to `end`.

    Every list has one count a bucket. What lies outside the range is counted in the first or the last bucket.
    """

    start: datetime
    end: datetime
    levels: dict[str, list[int]]
    exceptions: list[int]
    state_changes: list[int]


class Series(Struct, kw_only=True, frozen=True):
    """One metric of a session: a name, a type and a set of tags, with its statistics and its course.

    `times` (seconds since 1970 UTC) and `values` are its readings, thinned out so that peaks and dips stay.
    `count` is the number of readings (for a histogram, of samples), `total` their sum; for a counter `last` is its
    running total. `iterations` is what a timer's readings say they were made of, 1 for one that says nothing; of other
    types it is `count`. `vital` marks what DataCat sampled by itself.
    """

    name: str
    type: str
    unit: str | None
    tags: list[str]
    vital: bool
    count: int
    iterations: int
    total: float
    minimum: float
    maximum: float
    last: float
    times: list[float]
    values: list[float]
    buckets: list[Bucket]
