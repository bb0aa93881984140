"""The store's calls for how a metric spreads over many sessions."""

from datacat_server.filters import EVERY, Filter
from datacat_server.store.metrics import Aggregate
from datacat_server.store.spread import EVERY_VALUE, Range, Scale, Spread, StateChoice
from datacat_server.store.sqlite.file.connection import Readers
from datacat_server.store.sqlite.reading.spread import read_spread
from datacat_server.store.sqlite.reading.state_choices import read_state_choices
from datacat_server.store.views import MetricFilter


class SpreadCalls:
    """What `SqliteStore` offers as `SpreadStore`."""

    _readers: Readers

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
        with self._readers.snapshot() as db:
            return read_spread(db, metric, aggregate, sessions, within, scale, edges, versions)

    def state_choices(self, *, paths: int = 8, values: int = 12) -> list[StateChoice]:
        with self._readers.snapshot() as db:
            return read_state_choices(db, paths, values)
