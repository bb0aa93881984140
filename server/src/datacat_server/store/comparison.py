"""Sessions side by side: what their states, metrics and events have in common, and what not."""

from collections.abc import Sequence
from typing import Protocol

from msgspec import Raw, Struct

from datacat_server.model import SessionSummary

FEWEST_SESSIONS = 2
MOST_SESSIONS = 10
MOST_ROWS = 1_000
"""Rows of each part. Where there are more, those that differ come first, and the part is marked as cut."""


class StateRow(Struct, frozen=True):
    """One place in the states.

    Attributes:
        path: the keys that lead there, parted by dots; a dot, colon or backslash in a key has a backslash in front.
        differs: whether the sessions have different values there.
        values: of each session the value; null where it has none; of more than 1,000 bytes, its JSON as text that is
            cut and ends with `…`.
    """

    path: str
    differs: bool
    values: list[Raw | None]


class SeriesStatistics(Struct, kw_only=True, frozen=True):
    """One metric of one session.

    Attributes:
        count: how many readings, of a histogram samples, there are.
        mean: their mean; of a counter, that of its running totals.
        minimum: the least of them.
        maximum: the greatest of them.
        last: the last that came in; of a counter, the total.
    """

    count: int
    mean: float
    minimum: float
    maximum: float
    last: float


class MetricRow(Struct, kw_only=True, frozen=True):
    """One metric, by name, type, tags and buckets.

    Attributes:
        name: what it is called.
        type: gauge, counter, histogram or timer.
        tags: words that tell series of one name apart, sorted.
        unit: the unit of its values; null where none was named.
        vital: whether DataCat sampled it by itself.
        differs: whether the sessions have different statistics of it.
        values: of each session the statistics, null where it has not the metric.
    """

    name: str
    type: str
    tags: list[str]
    unit: str | None
    vital: bool
    differs: bool
    values: list[SeriesStatistics | None]


class EventRow(Struct, kw_only=True, frozen=True):
    """The events of a name and level.

    Attributes:
        name: what they are called.
        level: debug, info, warning, error or critical.
        differs: whether the sessions have different numbers of them.
        counts: of each session, how many it has.
    """

    name: str
    level: str
    differs: bool
    counts: list[int]


class Comparison(Struct, kw_only=True, frozen=True):
    """Sessions side by side; every row has one value for each, in their order. A part has at most 1,000 rows.

    Attributes:
        sessions: those compared, in the order in which they were asked for.
        state: what their states are now, by path.
        state_is_cut: whether there is more of the states; rows that differ come before others.
        metrics: their metrics, by name, those that DataCat samples last.
        metrics_are_cut: whether there are more metrics; rows that differ come before others.
        events: their events, by name and rising level.
        events_are_cut: whether there are more kinds of events; rows that differ come before others.
    """

    sessions: list[SessionSummary]
    state: list[StateRow]
    state_is_cut: bool
    metrics: list[MetricRow]
    metrics_are_cut: bool
    events: list[EventRow]
    events_are_cut: bool


class ComparisonStore(Protocol):
    """What a store can compare."""

    def compare(self, session_ids: Sequence[str]) -> Comparison:
        """Sessions side by side. Raises UnknownSession."""
        ...
