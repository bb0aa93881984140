"""The one thread that writes: takes what waits, puts it in one transaction, and tells each caller when it is on disk.

Callers that come while a commit is under way wait together and share the next one, so a busy server syncs the disk
as often as the disk allows and not once a call.
"""

import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, NamedTuple, TypeVar

from datacat_server.store.errors import StoreBusy, StoreDamaged, StoreUnavailable
from datacat_server.store.figures import COMMIT_SECONDS, JOBS, Distribution
from datacat_server.store.sqlite.file.ballast import SIZE, Ballast, empty_log
from datacat_server.store.sqlite.rows.failures import explained, is_out_of_space
from datacat_server.store.sqlite.writing.ledger import Ledger

_MOST_JOBS = 256
_MOST_WAITING = 10_000

# The disk, a lock, the file itself: no job can go on, and SQLite may have undone the transaction by itself.
_OF_THE_FILE = sqlite3.OperationalError

T = TypeVar("T")
Job = Callable[[Ledger], Any]


class _Waiting(NamedTuple):
    job: Job
    future: Future[Any]
    frees: bool


class Writer:
    """Runs jobs against the ledger. A job that raises is undone alone; a commit that fails undoes all it held.

    `commit_seconds`, `jobs`, `failed_commits`: of its commits, see `StoreFigures`.
    """

    def __init__(self, connection: sqlite3.Connection, ballast: Ballast) -> None:
        self._connection = connection
        self._ballast = ballast
        self._ledger = Ledger(connection)
        self._waiting: deque[_Waiting] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self._damage: StoreDamaged | None = None
        self._data_version: int | None = None
        self.commit_seconds = Distribution(COMMIT_SECONDS)
        self.jobs = Distribution(JOBS)
        self.failed_commits = 0
        self._thread = threading.Thread(target=self._run, name="datacat-store-writer", daemon=True)
        self._thread.start()

    def run(self, job: Callable[[Ledger], T], *, frees: bool = False) -> T:
        """The job's answer, after its commit. Raises what the job raised, StoreBusy or StoreUnavailable.

        `frees`: it removes something, and may take the space of the ballast for that when the disk is full.
        Once the file has been seen to be damaged nothing is written to it any more: StoreDamaged.
        """
        future: Future[T] = Future()
        with self._changed:
            if self._closed:
                raise StoreUnavailable("the store is closed")
            if self._damage is not None:
                raise StoreDamaged(*self._damage.args)
            if len(self._waiting) >= _MOST_WAITING:
                raise StoreBusy("too much is waiting to be written; send it again in a few seconds")
            self._waiting.append(_Waiting(job, future, frees))
            self._changed.notify()
        return future.result()

    @property
    def waiting(self) -> int:
        """How many jobs wait."""
        return len(self._waiting)

    def close(self) -> None:
        """Finish what waits, then stop."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()
        self._connection.close()

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._waiting and not self._closed:
                    self._changed.wait()
                if not self._waiting:
                    return
                jobs = [self._waiting.popleft() for _ in range(min(len(self._waiting), _MOST_JOBS))]
            self._write(jobs)

    def _write(self, jobs: list[_Waiting], *, last: bool = False) -> None:
        """`last`: on a full disk there is nothing left to give up."""
        done: list[tuple[Future[Any], Any]] = []
        begun = time.perf_counter()
        try:
            self._begin()
            for job, future, _ in jobs:
                try:
                    done.append((future, self._run_alone(job)))
                except _OF_THE_FILE:
                    raise
                except Exception as error:
                    future.set_exception(explained(error))
            self._connection.execute("COMMIT")
        except Exception as error:
            self.failed_commits += 1
            self._ledger.forget()
            self._roll_back()
            if is_out_of_space(error) and not last:
                jobs = self._free_some(jobs)
            failure = explained(error)
            if isinstance(failure, StoreDamaged):
                self._damage = failure
            for _, future, _ in jobs:
                if not future.done():
                    future.set_exception(failure)
            return
        self.commit_seconds.observe(time.perf_counter() - begun)
        self.jobs.observe(len(jobs))
        for future, answer in done:
            future.set_result(answer)

    def _free_some(self, jobs: list[_Waiting]) -> list[_Waiting]:
        """Run those that free space without the ballast; the others. Before anything else comes it is made again."""
        freeing = [waiting for waiting in jobs if waiting.frees and not waiting.future.done()]
        if not freeing or not self._ballast.give_up():
            return jobs
        empty_log(self._connection)
        self._ledger.sparing = True
        self._write(freeing, last=True)
        self._ledger.sparing = False
        empty_log(self._connection)
        self._ballast.make(SIZE)
        return [waiting for waiting in jobs if not waiting.frees]

    def _begin(self) -> None:
        self._connection.execute("BEGIN IMMEDIATE")
        # What the ledger remembers is true until another process writes to the same file.
        version = self._connection.execute("PRAGMA data_version").fetchone()[0]
        if version != self._data_version:
            self._ledger.forget()
            self._data_version = version

    def _run_alone(self, job: Job) -> Any:
        self._connection.execute("SAVEPOINT job")
        self._ledger.begin()
        try:
            answer = job(self._ledger)
        except _OF_THE_FILE:
            raise
        except Exception:
            self._connection.execute("ROLLBACK TO job")
            self._connection.execute("RELEASE job")
            self._ledger.undo()
            raise
        self._connection.execute("RELEASE job")
        return answer

    def _roll_back(self) -> None:
        if self._connection.in_transaction:
            try:
                self._connection.execute("ROLLBACK")
            except sqlite3.Error:
                # SQLite has rolled back by itself, or will when the connection is next used.
                return
