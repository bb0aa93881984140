"""Metrics over many sessions: one value for each session that a filter picks, and what they come to."""

from datetime import datetime
from enum import StrEnum
from typing import Protocol

from msgspec import UNSET, Struct, UnsetType

from datacat_server.filters import EVERY, Filter
from datacat_server.store.views import MetricFilter


class Aggregate(StrEnum):
    """What is asked of each session: every reading, or of all readings of the metric the greatest, mean or least."""

    ALL = "all"
    PEAK = "peak"
    AVERAGE = "average"
    MINIMUM = "minimum"


class SessionValue(Struct, kw_only=True, frozen=True):
    """The value of one session. A reading says also when it was, and the series that it is of."""

    session_id: str
    product: str
    version: str
    created_at: datetime
    value: float
    timestamp: datetime | UnsetType = UNSET
    type: str | UnsetType = UNSET
    unit: str | UnsetType | None = UNSET
    tags: list[str] | UnsetType = UNSET
    count: int | UnsetType = UNSET


class Summary(Struct, kw_only=True, frozen=True):
    """What the values of all sessions come to, not only of those on a page; null where there are none.

    Of every reading (`all`) it is that of all readings, of a histogram's samples; then there are neither `median` nor
    `p95`, which lie between two values if need be.
    """

    count: int
    minimum: float | None
    maximum: float | None
    mean: float | None
    median: float | None = None
    p95: float | None = None


class MetricPage(Struct, kw_only=True, frozen=True):
    """Part of the values, those of sessions that came last first; `cursor` asks for what follows, null at the end."""

    name: str
    aggregate: Aggregate
    summary: Summary
    values: list[SessionValue]
    cursor: str | None


class MetricName(Struct, kw_only=True, frozen=True):
    """A metric that sessions have, and in how many of them."""

    name: str
    vital: bool
    types: list[str]
    units: list[str]
    sessions: int


class MetricNames(Struct, frozen=True):
    """The metrics of sessions that a filter picks, by name, those that DataCat samples last.

    `sessions`: how many were looked at, the newest of those that there are.
    """

    sessions: int
    metrics: list[MetricName]


class MetricStore(Protocol):
    """Questions about metrics of many sessions."""

    def metric_page(
        self,
        metric: MetricFilter,
        aggregate: Aggregate,
        sessions: Filter = EVERY,
        *,
        limit: int = 100,
        cursor: str | None = None,
    ) -> MetricPage:
        """A value for each session that has the metric, of those that a filter picks; `metric.name` is needed.

        Raises ValueError for a filter or cursor that is none.
        """
        ...

    def metric_names(self, sessions: Filter = EVERY) -> MetricNames:
        """Which metrics there are in the sessions that a filter picks. Raises ValueError for a filter that is none."""
        ...
