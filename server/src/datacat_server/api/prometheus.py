"""DataCat's own figures as Prometheus text: `GET /metrics`.

A registry for each application, so that two in one process, or a test, do not count into each other. What the store
counts is read when it is asked for.
"""

import platform
import sqlite3
import time
from collections.abc import Iterator

from litestar import Response, Router, get
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, disable_created_metrics
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from datacat_server import __version__
from datacat_server.api.declared import ResponseSpec
from datacat_server.store.figures import Observed
from datacat_server.store.protocol import Store

_DURATIONS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


class RequestFigures:
    """Requests by call, how they were answered and how long that took. For one event loop."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._running = Gauge("datacat_http_requests_in_progress", "Requests under way.", registry=registry)
        self._bytes = Counter("datacat_http_received_bytes", "Bytes of bodies received.", registry=registry)
        self._requests = Counter(
            "datacat_http_requests",
            "Requests by method, call (its path, without what varies in it) and status; status 0: hung up on.",
            ["method", "call", "status"],
            registry=registry,
        )
        self._seconds = Histogram(
            "datacat_http_request_duration_seconds",
            "From a request's first byte to its answer's last.",
            ["method", "call"],
            buckets=_DURATIONS,
            registry=registry,
        )
        self._known: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}

    def begin(self) -> None:
        self._running.inc()

    def end(self, method: str, call: str, status: int, seconds: float, received: int) -> None:
        """Count a request that was answered."""
        key = (method, call, status)
        if (children := self._known.get(key)) is None:
            counter = self._requests.labels(method, call, str(status))
            children = self._known[key] = (counter, self._seconds.labels(method, call))
        children[0].inc()
        children[1].observe(seconds)
        self._running.dec()
        if received:
            self._bytes.inc(received)


class StoreCollector(Collector):
    """What a store counts, at each reading."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def describe(self) -> list[Metric]:
        return []  # a registry that gets none would read the store to learn the names

    def collect(self) -> Iterator[Metric]:
        figures = self._store.figures()
        yield _by(
            CounterMetricFamily,
            "datacat_ingest_records",
            "Records by what became of them; repeated ones were known already.",
            "outcome",
            figures.records,
        )
        yield _by(
            CounterMetricFamily,
            "datacat_ingest_batches",
            "Batches that were read, by what became of their records.",
            "outcome",
            figures.batches,
        )
        yield _histogram(
            "datacat_store_commit_duration_seconds",
            "Of transactions, from their beginning until they were on disk.",
            figures.commit_seconds,
        )
        yield _histogram("datacat_store_commit_jobs", "How many calls shared a commit.", figures.jobs)
        yield CounterMetricFamily(
            "datacat_store_commits_failed", "Commits that were undone.", value=figures.failed_commits
        )
        yield GaugeMetricFamily("datacat_store_waiting_jobs", "Calls that wait to be written.", value=figures.waiting)
        yield GaugeMetricFamily("datacat_store_database_bytes", "Of the database file.", value=figures.database_bytes)
        yield GaugeMetricFamily(
            "datacat_store_log_bytes", "Of the write-ahead log beside the database.", value=figures.log_bytes
        )
        yield GaugeMetricFamily(
            "datacat_store_free_bytes", "Of the database file, to be used again.", value=figures.free_bytes
        )
        yield _by(GaugeMetricFamily, "datacat_sessions", "Sessions by status.", "status", figures.sessions)


def create_registry(store: Store) -> CollectorRegistry:
    """All that is told, but for requests (`RequestFigures`)."""
    disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series for each one, which the text format has no place for
    registry = CollectorRegistry(auto_describe=False)
    ProcessCollector(registry=registry)
    about = Gauge("datacat_build_info", "1, with the versions.", ["version", "python", "sqlite"], registry=registry)
    about.labels(__version__, platform.python_version(), sqlite3.sqlite_version).set(1)
    Gauge(
        "datacat_start_time_seconds", "When this server was started, in seconds since 1970 UTC.", registry=registry
    ).set(time.time())
    registry.register(StoreCollector(store))
    return registry


def metrics_router(registry: CollectorRegistry) -> Router:
    """The call that tells."""

    def read_metrics() -> Response[bytes]:
        """The server's own figures, for Prometheus."""
        return Response(generate_latest(registry), media_type="text/plain; version=0.0.4")

    spec = ResponseSpec(str, media_type="text/plain", description="What is counted, and how it stands")
    handler = get("/metrics", sync_to_thread=True, responses={200: spec}, tags=["server"])(read_metrics)
    return Router("/", route_handlers=[handler])


def _by(
    family: type[CounterMetricFamily | GaugeMetricFamily], name: str, text: str, label: str, values: dict[str, int]
) -> Metric:
    metric = family(name, text, labels=[label])
    for value, count in values.items():
        metric.add_metric([value], count)
    return metric


def _histogram(name: str, text: str, observed: Observed) -> Metric:
    buckets = [(str(bound), float(count)) for bound, count in observed.at_most]
    return HistogramMetricFamily(name, text, buckets=[*buckets, ("+Inf", observed.count)], sum_value=observed.sum)
