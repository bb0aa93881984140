"""What a store counts of its own work, whatever the engine: kept while it writes, at next to no cost."""

import threading
from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate

from msgspec import Struct

from datacat_server.ingest.records import SessionBatch
from datacat_server.ingest.result import IngestResult

COMMIT_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
JOBS = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0)


class Distribution:
    """How often values fell where. One thread observes; others may read, and see one observation more or less."""

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0

    def observe(self, value: float) -> None:
        self._counts[bisect_left(self._bounds, value)] += 1
        self._sum += value

    def read(self) -> "Observed":
        """As it is now."""
        counts = list(accumulate(self._counts))
        return Observed(at_most=list(zip(self._bounds, counts, strict=False)), count=counts[-1], sum=self._sum)


class Observed(Struct, frozen=True):
    """A distribution: for each bound how many values were at most that, how many there were, and their sum."""

    at_most: list[tuple[float, int]]
    count: int
    sum: float


class Intake:
    """Counts what came in. Any thread may count.

    A record is `applied`, `refused`, or `repeated`: known already, of a session that was deleted, or sent before its
    turn, so that it will come again.
    A batch, all of one session at a time, is by the best of its records; one without records is applied.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._records = {"applied": 0, "repeated": 0, "refused": 0}
        self._batches = dict(self._records)

    def count(self, batches: Sequence[SessionBatch], result: IngestResult) -> None:
        """Count batches that are on disk, with what became of them."""
        refused = len(result.refused) + sum(batch.unnamed_refusals for batch in batches)
        read = sum(len(batch.records) + len(batch.refused) + batch.unnamed_refusals for batch in batches)
        repeated = max(0, read - result.applied - refused)
        outcome = "applied" if result.applied or not read else "repeated" if repeated else "refused"
        with self._lock:
            self._records["applied"] += result.applied
            self._records["repeated"] += repeated
            self._records["refused"] += refused
            self._batches[outcome] += len(batches)

    def records(self) -> dict[str, int]:
        with self._lock:
            return dict(self._records)

    def batches(self) -> dict[str, int]:
        with self._lock:
            return dict(self._batches)


class StoreFigures(Struct, frozen=True, kw_only=True):
    """A store at this moment, and its work since it was opened.

    `records` and `batches`: by what became of them, see `Intake`. `commit_seconds`: from the beginning of a transaction
    until it is on disk. `jobs`: how many calls shared a commit. `waiting`: calls that wait to be written.
    `log_bytes`: what is not yet in the database file itself; `free_bytes`: of the file, to be used again.
    `sessions`: how many there are by status, some seconds old at most.
    """

    records: dict[str, int]
    batches: dict[str, int]
    commit_seconds: Observed
    jobs: Observed
    failed_commits: int
    waiting: int
    database_bytes: int
    log_bytes: int
    free_bytes: int
    sessions: dict[str, int]
