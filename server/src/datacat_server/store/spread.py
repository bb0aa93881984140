"""How one metric spreads over many sessions: the whole answer, not a page of it."""

from enum import StrEnum
from typing import Any, Protocol

from msgspec import Struct

from datacat_server.filters import EVERY, Filter
from datacat_server.model import SessionSummary
from datacat_server.store.binning import Bin
from datacat_server.store.metrics import Aggregate
from datacat_server.store.views import MetricFilter


class Scale(StrEnum):
    """How the axis of values is divided; `auto` takes decades where the values reach over several of them."""

    AUTO = "auto"
    LINEAR = "linear"
    LOG = "log"


class Range(Struct, frozen=True):
    """Values from `low` (included) up to `high` (not included, unless it is the greatest of all); None: no bound."""

    low: float | None = None
    high: float | None = None

    def holds(self, value: float) -> bool:
        return (self.low is None or value >= self.low) and (self.high is None or value < self.high)


EVERY_VALUE = Range()


class Box(Struct, frozen=True, kw_only=True):
    """What numbers come to; quantiles lie between the two numbers next to them if need be."""

    count: int
    minimum: float
    p25: float
    median: float
    p75: float
    p95: float
    maximum: float
    mean: float


class VersionSpread(Struct, frozen=True):
    """The values of a version's sessions."""

    product: str
    version: str
    box: Box


class EdgeSession(Struct, frozen=True):
    """A session, and its value: where every reading counts, its least or greatest reading."""

    session: SessionSummary
    value: float


class Spread(Struct, kw_only=True, frozen=True):
    """The values of a metric's sessions within a range, and how they are distributed.

    `sessions`: those that have the metric. `box`: the values within the range, None where there are none; `bins` cover
    them. Where every reading counts, `readings` is how many there are in all, and of more than READINGS of them the
    box, the bins and the versions are made of a sample that was taken evenly, of `sampled` readings; otherwise both
    are null. `versions`: those with most values, busiest first, and `other_versions` how many there are beside them.
    `highest` and `lowest`: the sessions at the edges.
    """

    name: str
    vital: bool
    aggregate: Aggregate
    units: list[str]
    sessions: int
    readings: int | None
    sampled: int | None
    box: Box | None
    is_log: bool
    bins: list[Bin]
    versions: list[VersionSpread]
    other_versions: int
    highest: list[EdgeSession]
    lowest: list[EdgeSession]


class StateChoice(Struct, frozen=True):
    """A place in states that sessions can be told apart by, and values that were there, the most frequent first.

    `elements`: they are elements of an array. Each value stands with the number of sessions that ever had it, counted
    up to COUNTED.
    """

    path: str
    elements: bool
    values: list[tuple[Any, int]]


COUNTED = 10_000
READINGS = 50_000


class SpreadStore(Protocol):
    """Questions about how a metric spreads, and by what its sessions can be told apart."""

    def metric_spread(
        self,
        metric: MetricFilter,
        aggregate: Aggregate,
        sessions: Filter = EVERY,
        *,
        within: Range = EVERY_VALUE,
        scale: Scale = Scale.AUTO,
        edges: int = 8,
        versions: int = 12,
    ) -> Spread:
        """How the values spread of the sessions that a filter picks; `metric.name` is needed.

        `edges`: so many sessions at either edge. Raises ValueError for a filter that is none.
        """
        ...

    def state_choices(self, *, paths: int = 8, values: int = 12) -> list[StateChoice]:
        """Places in states that had a few different values, arrays first, and windows before others."""
        ...
