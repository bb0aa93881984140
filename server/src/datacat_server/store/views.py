"""What the page of one session reads: parts of a session, paged or folded, so that its size does not matter."""

from datetime import datetime
from typing import Any

from msgspec import Struct

from datacat_server.model import Bucket, Event, Level, Metric


class StoredEvent(Struct, frozen=True):
    """An event and its number, which names it within its session for good."""

    number: int
    event: Event


class EventQuery(Struct, frozen=True, kw_only=True):
    """Which events of a session are meant: all that is set holds. `start` <= timestamp < `end`.

    `q` stands in the name, the message, the data or the exception's message, whatever the case of its letters.
    """

    level: Level | None = None
    min_level: Level | None = None
    name: str | None = None
    category: str | None = None
    group: str | None = None
    label: str | None = None
    q: str | None = None
    start: datetime | None = None
    end: datetime | None = None
    exceptions: bool = False


class EventPage(Struct, frozen=True):
    """Part of a session's events; `cursor` asks for the ones after them, null at the end.

    An answer looks at a bounded number of events: where few of them are meant it holds fewer than the limit, or none,
    and has a cursor all the same.
    """

    events: list[StoredEvent]
    cursor: str | None


class Timeline(Struct, frozen=True):
    """How often what happened, in buckets of equal length. Every list has one count a bucket.

    The counts are exact; but in a session with so many events that 50,000 would have to be counted for this alone,
    what happened within a few thousandths of the session's length from where two buckets meet may be counted in the
    other one.

    Attributes:
        start: where the first bucket begins.
        end: where the last bucket ends; what is there is in none.
        levels: events by level: debug, info, warning, error and critical.
        exceptions: events that are exceptions; they are among the levels too.
        state_changes: changes of the state; the first state is none.
    """

    start: datetime
    end: datetime
    levels: dict[str, list[int]]
    exceptions: list[int]
    state_changes: list[int]


class Series(Struct, kw_only=True, frozen=True):
    """One metric of a session: a name, a type, a set of tags and of buckets, with its statistics and its course.

    Attributes:
        name: what it is called.
        type: gauge, counter, histogram or timer.
        unit: the unit of its values; null where none was named.
        tags: words that tell series of one name apart, sorted.
        vital: whether DataCat sampled it by itself.
        count: how many readings, of a histogram samples, there are.
        iterations: of a timer, what its readings say they were for, 1 for one that says nothing; else `count`.
        total: the sum of the readings, of a histogram of the samples.
        minimum: the least of them.
        maximum: the greatest of them.
        last: the last that came in; of a counter, the running total.
        times: when each of `values` was, in seconds since 1970 UTC.
        values: its readings (running totals, or means of samples), thinned out so that peaks and dips stay.
        buckets: of a histogram, by rising bound, the one above all bounds last; empty for others.
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


class CloseUp(Struct, kw_only=True, frozen=True):
    """One metric of a session in a part of its time, and one reading beyond either edge of it.

    `times` (seconds since 1970 UTC) are those of readings, or of stretches of some; of a stretch `values` is the mean
    (of some of them, where they are very many), `lows` and `highs` are the least and the greatest; of a single reading
    all three are the same. `minimum` and `maximum` are those of the whole series, `apart` how far its readings are from
    one another on average, in seconds.
    """

    name: str
    type: str
    unit: str | None
    tags: list[str]
    vital: bool
    minimum: float
    maximum: float
    apart: float
    times: list[float]
    values: list[float]
    lows: list[float]
    highs: list[float]


class SeriesPage(Struct, frozen=True):
    """Part of a session's series.

    Attributes:
        series: the series, by name.
        cursor: asks for the ones after them; null at the end.
    """

    series: list[Series]
    cursor: str | None


class ReadingPage(Struct, frozen=True):
    """Part of the readings of a session's metrics.

    Attributes:
        readings: one series after the other, each by time; of a histogram, one mean for each batch that came in.
        cursor: asks for the ones after them; null at the end.
    """

    readings: list[Metric]
    cursor: str | None


class StateView(Struct, frozen=True):
    """A session's state at an instant.

    Attributes:
        timestamp: when it became so; null before its first change.
        state: the whole state; empty before its first change.
        changed: the paths that the change was about: keys parted by dots; a dot, colon or backslash in a key has a
            backslash in front.
    """

    timestamp: datetime | None
    state: dict[str, Any]
    changed: list[str]


class MetricFilter(Struct, frozen=True, kw_only=True):
    """Which series are meant: all that is set holds; of `tags`, a series has all. `vital`: what DataCat samples."""

    name: str | None = None
    type: str | None = None
    tags: tuple[str, ...] = ()
    vital: bool = False
