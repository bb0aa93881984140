"""Sessions as flat rows, which is what the Infinity data source of Grafana wants: docs/guides/grafana.md."""

from collections.abc import Iterator
from typing import Any

from litestar import get
from litestar.response import Stream
from msgspec.structs import asdict

from datacat_server.api.declared import ResponseSpec
from datacat_server.api.filtering import FilterDependency
from datacat_server.api.sessions import StoreDependency
from datacat_server.api.streams import array_of
from datacat_server.filters import Filter
from datacat_server.model import SessionSummary, encode
from datacat_server.store.protocol import Store

_ROWS_AT_ONCE = 500


class SessionRow(SessionSummary, kw_only=True, frozen=True):
    """A session as a row.

    Attributes:
        duration_seconds: from its creation to its end, or to the last that was heard of it.
    """

    duration_seconds: float


@get(
    "/api/grafana/sessions", responses={200: ResponseSpec(list[SessionRow], description="All rows")}, tags=["sessions"]
)
async def grafana_sessions(store: StoreDependency, filter: FilterDependency) -> Stream:
    """The sessions that the filter picks, as flat rows, newest first: one array that is sent while it is read.

    For Grafana's Infinity data source: `from=${__from}&to=${__to}` are taken as Grafana writes them.
    """
    return await array_of(_rows(store, filter))


def _rows(store: Store, wanted: Filter) -> Iterator[list[bytes]]:
    cursor = None
    while True:
        # Each page sees the store as it is then: an answer that somebody takes hours to read holds nothing back there.
        page = store.sessions(wanted, limit=_ROWS_AT_ONCE, cursor=cursor)
        if page.sessions:
            yield [b",\n".join([encode(_row(session)) for session in page.sessions])]
        if (cursor := page.cursor) is None:
            return


def _row(session: SessionSummary) -> SessionRow:
    fields: dict[str, Any] = asdict(session)
    until = session.ended_at or session.updated_at
    return SessionRow(**fields, duration_seconds=max(0.0, (until - session.created_at).total_seconds()))
