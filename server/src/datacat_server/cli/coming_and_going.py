"""Which sessions start, end, fall asleep and come back while somebody looks on."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from datacat_server.cli.asking import Reader
from datacat_server.cli.finding import Parameters
from datacat_server.model import SessionPage, SessionSummary, Status

_LOOKED_AT = "100"
_MOST_KNOWN = 10_000

_TOLD_BY_AN_EVENT = (Status.CRASHED, Status.HUNG)


@dataclass(frozen=True)
class Turn:
    """What a session has become, and when; `is_start`: it has begun."""

    session: SessionSummary
    status: Status
    at: datetime
    words: str
    is_start: bool = False


class ComingAndGoing:
    """Looks at the sessions that were heard from last, and compares them with what they were.

    Args:
        reader: the server.
        product: of which the sessions are; None for all.
    """

    def __init__(self, reader: Reader, product: str | None) -> None:
        self._reader = reader
        self._asked: Parameters = [("sort", "-updated"), ("limit", _LOOKED_AT)]
        if product is not None:
            self._asked.append(("product", product))
        self._known: dict[str, Status] = {}
        self._newest: datetime | None = None

    def turns(self) -> Iterator[Turn]:
        """What happened since it was asked last; nothing at first. Raises ServerError.

        Crashes and hangs are left out: there are events of them.
        """
        found = self._reader.get("/api/sessions", SessionPage, self._asked).sessions
        is_first, newest = not self._known and self._newest is None, self._newest
        for session in sorted(found, key=lambda one: one.updated_at):
            before = self._known.pop(session.id, None)
            self._known[session.id] = session.status
            self._newest = max(self._newest or session.created_at, session.created_at)
            is_new = before is None and not is_first and (newest is None or session.created_at > newest)
            if is_new:
                version = "" if session.version == "unknown" else f" {session.version}"
                yield Turn(session, Status.ACTIVE, session.created_at, f"started{version}", is_start=True)
            if (is_new or before is not None) and before != session.status and (turn := _turn(session, before)):
                yield turn
        while len(self._known) > _MOST_KNOWN:
            del self._known[next(iter(self._known))]


def _turn(session: SessionSummary, before: Status | None) -> Turn | None:
    """What a status says that is another one than before."""
    if session.status in _TOLD_BY_AN_EVENT:
        return None
    if session.status is Status.ACTIVE:
        return None if before is None else Turn(session, session.status, session.updated_at, "goes on")
    return Turn(session, session.status, session.ended_at or session.updated_at, session.reason or "")
