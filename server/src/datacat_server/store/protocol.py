"""What every storage engine offers. `api/` and `web/` know this and `model`, never an engine."""

import threading
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import Protocol

from datacat_server.filters import EVERY, Filter
from datacat_server.ingest.records import SessionBatch
from datacat_server.ingest.result import IngestResult
from datacat_server.model import PARTS, Session, SessionPage, StateChange
from datacat_server.store.alerts import AlertLog
from datacat_server.store.arrivals import ArrivalStore
from datacat_server.store.comparison import ComparisonStore
from datacat_server.store.exchange import ExchangeStore
from datacat_server.store.figures import StoreFigures
from datacat_server.store.keys import KeyStore
from datacat_server.store.lists import ListStore
from datacat_server.store.metrics import MetricStore
from datacat_server.store.problem_evidence import ProblemEvidenceStore
from datacat_server.store.problems import ProblemStore
from datacat_server.store.releases import ReleaseStore
from datacat_server.store.spread import SpreadStore
from datacat_server.store.views import (
    CloseUp,
    EventPage,
    EventQuery,
    MetricFilter,
    ReadingPage,
    Series,
    SeriesPage,
    StateView,
    StoredEvent,
    Timeline,
)

SORTS = ("created", "updated", "duration", "event_count", "exception_count")
"""What a list can be sorted by. `duration` is up to the end, or up to what was last heard of one that runs."""

MOST_COUNTED = 10_000
"""Up to here the sessions of a filter are counted; how many more there are would cost more than the page itself."""


class UnknownSession(LookupError):
    """There is no session with this id."""


class Store(
    KeyStore,
    ExchangeStore,
    MetricStore,
    ProblemStore,
    ProblemEvidenceStore,
    ReleaseStore,
    ComparisonStore,
    ListStore,
    ArrivalStore,
    SpreadStore,
    Protocol,
):
    """Sessions and their records, and who may reach them, durably. Every call is safe from any thread.

    Where the engine cannot do what it should, every call may raise StoreError, and the writing ones StoreUnavailable
    and StoreBusy (store/errors.py); nothing was kept then.
    """

    @property
    def alerts(self) -> AlertLog:
        """What somebody may want to be told."""
        ...

    def ingest(self, batches: Sequence[SessionBatch]) -> IngestResult:
        """Apply batches, in order, exactly once by (session, writer, ordinal); returns when they are on disk.

        Batches of a session that was deleted are dropped, and answered as settled.

        Raises UnknownSession, with nothing applied, for a batch without a header whose session does not exist.
        """
        ...

    def session(self, session_id: str, parts: Collection[str] = PARTS) -> Session:
        """One session with the parts asked for. Raises UnknownSession."""
        ...

    def sessions(
        self, wanted: Filter = EVERY, *, sort: str = "-created", limit: int = 100, cursor: str | None = None
    ) -> SessionPage:
        """A page of summaries: those of a filter, sorted by one of `SORTS`, with a `-` in front the largest first.

        Raises ValueError, `name: what to do`, for a filter, sort or cursor that is none.
        """
        ...

    def session_json(self, session_id: str, parts: Collection[str] = PARTS) -> Iterator[bytes]:
        """The JSON of `session`, in pieces of about a megabyte, one in memory at a time, however large it is.

        Raises UnknownSession; of a session that is removed meanwhile a later piece does.
        """
        ...

    def every_session(self, wanted: Filter = EVERY) -> Iterator[Iterator[bytes]]:
        """The JSON of every session of a filter, newest first, each as `session_json`."""
        ...

    def event_page(
        self,
        session_id: str,
        wanted: EventQuery | None = None,
        *,
        limit: int = 100,
        cursor: str | None = None,
        oldest_first: bool = False,
    ) -> EventPage:
        """Those of a session's events that are wanted, newest or oldest first.

        Raises UnknownSession, and ValueError for a cursor that is none.
        """
        ...

    def event(self, session_id: str, number: int) -> StoredEvent:
        """One event, whole. Raises UnknownSession, and LookupError where the session has no such event."""
        ...

    def timeline(
        self, session_id: str, start: datetime | None, end: datetime | None, buckets: int, *, outside: bool = False
    ) -> Timeline:
        """A session's events and state changes in [start, end), counted in `buckets` buckets of equal length.

        None for either: from the first of all, to the last. With `outside`, what lies before and after is counted in
        the first and in the last. Raises UnknownSession.
        """
        ...

    def state(self, session_id: str, at: datetime | None = None) -> StateView:
        """The state at an instant (default: now), and what its last change was about. Raises UnknownSession."""
        ...

    def states(self, session_id: str, *, at: datetime | None = None, limit: int = 2) -> list[StateChange]:
        """The last states at the instant `at` (default: now), newest first. Raises UnknownSession."""
        ...

    def change_after(self, session_id: str, at: datetime) -> datetime | None:
        """When the state changed next after the instant `at`, None where it did not. Raises UnknownSession."""
        ...

    def series(self, session_id: str, *, points: int = 240, limit: int = 100) -> list[Series]:
        """A session's metrics, in the order of their names, vitals last, with at most `points` readings each.

        Raises UnknownSession.
        """
        ...

    def series_page(
        self, session_id: str, wanted: MetricFilter, *, points: int = 240, limit: int = 100, cursor: str | None = None
    ) -> SeriesPage:
        """A page of the series that are wanted, each with at most `points` readings.

        Raises UnknownSession, and ValueError for a cursor that is none.
        """
        ...

    def close_ups(
        self,
        session_id: str,
        wanted: MetricFilter,
        start: datetime,
        end: datetime,
        *,
        buckets: int = 500,
        limit: int = 100,
    ) -> list[CloseUp]:
        """The series that are wanted, without histograms, in [start, end), in about as many stretches of time each.

        Every reading stands by itself where there are no more than `buckets`. Raises UnknownSession.
        """
        ...

    def reading_page(
        self, session_id: str, wanted: MetricFilter, *, limit: int = 1000, cursor: str | None = None
    ) -> ReadingPage:
        """A page of the readings of the series that are wanted, one series after the other, each by time.

        Raises UnknownSession, and ValueError for a cursor that is none.
        """
        ...

    def delete(self, session_id: str) -> None:
        """Remove a session with all that belongs to it, for good. Raises UnknownSession.

        What a daemon still sends of it is dropped from then on, and answered as settled.
        """
        ...

    def silent(self, before: datetime, *, product: str | None = None) -> int:
        """How many sessions (of a product) `prune` would remove."""
        ...

    def prune(self, before: datetime, *, product: str | None = None) -> int:
        """Remove the sessions (of a product) from which nothing came since an instant, by this clock; how many.

        They are gone at once; their space comes back later, in small steps beside what comes in.
        """
        ...

    def clear_abandoned(self) -> None:
        """See to it that what imports left that ended midway, and whose time is over, goes away; returns at once."""
        ...

    def suspend_silent(self, before: datetime, stop: threading.Event | None = None) -> int:
        """Mark as suspended the running sessions from which nothing came since an instant, by this clock; how many.

        Whatever comes from one later resumes it. The rest is left for the next time soon after `stop` is set.
        """
        ...

    def change_token(self) -> object:
        """Equal to the last answer while nothing was written, by this or any other process."""
        ...

    def session_change_token(self, session_id: str) -> object:
        """Equal to the last answer while nothing came in for this session. Raises UnknownSession."""
        ...

    def figures(self) -> StoreFigures:
        """What the store has done since it was opened, and its size."""
        ...

    def close(self) -> None: ...
