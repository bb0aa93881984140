"""What every storage engine offers. `api/` and `web/` know this and `model`, never an engine."""

from collections.abc import Collection, Iterator, Sequence
from typing import Protocol

from datacat_server.ingest.records import SessionBatch
from datacat_server.ingest.result import IngestResult
from datacat_server.model import PARTS, Session, SessionPage, SessionSummary


class UnknownSession(LookupError):
    """There is no session with this id."""


class Store(Protocol):
    """Sessions and their records, durably. Every call is safe from any thread."""

    def ingest(self, batches: Sequence[SessionBatch]) -> IngestResult:
        """Apply batches, in order, exactly once by (session, writer, ordinal); returns when they are on disk."""
        ...

    def session(self, session_id: str, parts: Collection[str] = PARTS) -> Session:
        """One session with the parts asked for. Raises UnknownSession."""
        ...

    def sessions(
        self, *, limit: int = 100, cursor: str | None = None, product: str | None = None, status: str | None = None
    ) -> SessionPage:
        """A page of summaries, newest first. Raises ValueError for a cursor or status that is none."""
        ...

    def every_session(self) -> Iterator[Session]:
        """Every session, whole, newest first, one in memory at a time."""
        ...

    def live(self) -> list[SessionSummary]:
        """The sessions that are neither ended nor crashed."""
        ...

    def delete(self, session_id: str) -> None:
        """Remove a session with all that belongs to it. Raises UnknownSession."""
        ...

    def change_token(self) -> object:
        """Equal to the last answer while nothing was written, by this or any other process."""
        ...

    def close(self) -> None: ...
