"""Sessions as a table, a row each."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import pairwise

from rich.text import Text

from datacat_server.model import SessionSummary
from datacat_server.terminal.style import said, status_text
from datacat_server.terminal.table import Column, table_lines
from datacat_server.wording import ago, duration, number

SHORT_ID = 8
_SAYS_NOTHING = {("ended", "end() was called"), ("ended", "the session ended")}

_COLUMNS = (
    Column("status"),
    Column("id", least=SHORT_ID),
    Column("product", least=10),
    Column("version", least=10),
    Column("started", goes=2),
    Column("lasted", goes=3),
    Column("events", goes=4, right=True),
    Column("exceptions", goes=6, right=True),
    Column("machine", least=8, goes=5),
    Column("reason", least=18, goes=1),
)


def session_lines(
    sessions: Sequence[SessionSummary], now: datetime, width: int | None, *, titles: bool = True
) -> list[Text]:
    """The table, and above it its titles; `width` None: whole, with whole ids."""
    length = None if width is None else telling_length(session.id for session in sessions)
    return table_lines(_COLUMNS, [_row(session, now, length) for session in sessions], width, titles=titles)


def telling_length(ids: Iterable[str]) -> int:
    """So many letters of ids tell these apart, at least those that an id is shown with."""
    ordered = sorted(set(ids))
    shared = [_shared(one, other) for one, other in pairwise(ordered)]
    return max([SHORT_ID, *(count + 1 for count in shared)])


def _shared(one: str, other: str) -> int:
    return next((place for place, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]), len(one))


def _row(session: SessionSummary, now: datetime, length: int | None) -> list[Text]:
    until = session.ended_at or (now if session.active else session.updated_at)
    lived = max(0.0, (until - session.created_at).total_seconds())
    exceptions = session.exception_count
    return [
        status_text(session.status),
        said(session.id[:length], "cyan"),
        said(session.product),
        said(session.version, "dim"),
        Text(ago(session.created_at, now)),
        Text(duration(lived)),
        Text(number(session.event_count), "" if session.event_count else "dim"),
        Text(number(exceptions), "red") if exceptions else Text(""),
        said(session.hostname or session.machine_id or ""),
        said(_reason(session, whole=length is None), "" if session.status in ("crashed", "hung") else "dim"),
    ]


def _reason(session: SessionSummary, *, whole: bool) -> str:
    """Why it is so; where room is short, nothing that says no more than the status does."""
    says_more = whole or (session.status, session.reason) not in _SAYS_NOTHING
    return session.reason or "" if says_more else ""
