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
    """The value of one session. With the aggregate `all` it is a reading, and says when that was and of which series.

    Attributes:
        session_id: the session's id.
        product: the session's product.
        version: the session's version.
        created_at: when the session began.
        value: what was asked of the session, in the metric's unit; a counter's readings are its running totals.
        timestamp: when the reading was; absent unless it is one.
        type: gauge, counter, histogram or timer; absent unless it is a reading.
        unit: the unit of `value`, null where none was named; absent unless it is a reading.
        tags: those of its series, sorted; absent unless it is a reading.
        count: iterations of a timer, or samples of which a histogram's `value` is the mean; absent where there is none.
    """

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
    """What the values of all sessions come to, not only of those on a page.

    With the aggregate `all` it is that of all readings, of a histogram that of its samples.

    Attributes:
        count: how many values there are.
        minimum: the least; null where there are no values.
        maximum: the greatest; null where there are no values.
        mean: their mean; null where there are no values.
        median: lies between two values if need be; null where there are none, and with `all`.
        p95: what 95 percent do not exceed, between two values if need be; null where there are none, and with `all`.
    """

    count: int
    minimum: float | None
    maximum: float | None
    mean: float | None
    median: float | None = None
    p95: float | None = None


class MetricPage(Struct, kw_only=True, frozen=True):
    """Part of the values of a metric.

    Attributes:
        name: the metric's name, as it was asked for.
        aggregate: what was asked of each session.
        summary: what all values come to, those on other pages too.
        values: the values, those of the newest sessions first.
        cursor: asks for what follows; null at the end.
    """

    name: str
    aggregate: Aggregate
    summary: Summary
    values: list[SessionValue]
    cursor: str | None


class MetricName(Struct, kw_only=True, frozen=True):
    """A metric that sessions have.

    Attributes:
        name: what it is called.
        vital: whether DataCat samples it by itself.
        types: the types that it has in some session, mostly one: gauge, counter, histogram or timer.
        units: the units that it has in some session; empty where none was named.
        sessions: in how many sessions of those looked at it is.
    """

    name: str
    vital: bool
    types: list[str]
    units: list[str]
    sessions: int


class MetricNames(Struct, frozen=True):
    """The metrics of sessions that a filter picks.

    Attributes:
        sessions: how many sessions were looked at, the newest of those that there are.
        metrics: the metrics, by name, those that DataCat samples last.
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
