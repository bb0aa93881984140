"""What a store gives to an export, and takes from an import."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import IO, Protocol

from datacat_server.exchange.records import ProblemMark, Row, SessionHead
from datacat_server.filters import Filter


class Outcome(StrEnum):
    """What became of a session of an import; `skipped`: there is one with its id already."""

    IMPORTED = "imported"
    REPLACED = "replaced"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class ExportedSession:
    """A whole session as lines of an export, in a file without a name. `records`: lines but for the first and last."""

    session: str
    records: int
    lines: IO[bytes]


class ExchangeStore(Protocol):
    """Sessions as an export has them."""

    def count_sessions(self, wanted: Filter) -> int:
        """How many sessions a filter picks."""
        ...

    def export(self, wanted: Filter) -> Iterator[ExportedSession]:
        """The sessions of a filter, oldest first, each as it was at one moment; the caller closes `lines`.

        Between two of them nothing of the store is held, however long the caller takes.
        """
        ...

    def import_session(self, head: SessionHead, rows: Iterable[Row], *, replace: bool) -> Outcome:
        """Store a whole session, unless there is one with its id, not to be replaced; returns when it is on disk.

        What it tells is folded as if it came in anew; one that was deleted is back. Raises ValueError, with nothing
        stored, for what cannot be applied.
        """
        ...

    def problem_marks(self, wanted: Filter) -> list[ProblemMark]:
        """What is marked of the problems in which sessions of a filter count."""
        ...

    def mark_problem(self, mark: ProblemMark) -> bool:
        """Mark a problem, if it is there and not marked later already; whether that changed anything."""
        ...

    def scratch(self) -> IO[bytes]:
        """An empty file without a name, for what does not fit into memory; beside the data, for its owner only."""
        ...
