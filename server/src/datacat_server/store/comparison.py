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
    """One place in the states, as a dotted path (store-wide rules: `state=` of a filter), and each session's value.

    A value is as it is in the state, null where the session has none there; one longer than 1,000 bytes of JSON is
    given as text that is cut and ends with `…`.
    """

    path: str
    differs: bool
    values: list[Raw | None]


class SeriesStatistics(Struct, kw_only=True, frozen=True):
    """One metric of one session. `count` readings or samples; of a counter `last` is the total."""

    count: int
    mean: float
    minimum: float
    maximum: float
    last: float


class MetricRow(Struct, kw_only=True, frozen=True):
    """One metric by name, type and tags, and each session's statistics, null where it has none."""

    name: str
    type: str
    tags: list[str]
    unit: str | None
    vital: bool
    differs: bool
    values: list[SeriesStatistics | None]


class EventRow(Struct, kw_only=True, frozen=True):
    """How often each session logged an event of a name and level."""

    name: str
    level: str
    differs: bool
    counts: list[int]


class Comparison(Struct, kw_only=True, frozen=True):
    """Sessions in the order in which they were asked for; every row has one value for each, in the same order."""

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
