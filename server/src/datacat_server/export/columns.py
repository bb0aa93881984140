"""An export as one table: the columns that a spreadsheet or a query wants, beside each record as it is.

`record` alone is what an import reads; the other columns are made from it and may be changed or left out.
"""

from datetime import datetime

from msgspec import Struct

from datacat_server.exchange.records import (
    EndLine,
    EventRow,
    ExportLine,
    PointRow,
    ProblemMark,
    RefusalRow,
    SeriesRow,
    SessionHead,
    SessionTail,
    StateRow,
    VerdictRow,
    WriterRow,
    decode,
)


class Columns(Struct):
    """One row of the table.

    `type`: of a metric its type, of an exception the exception's, of a session its status. `value`: of a point its
    reading, of a series its last one, of a writer its next ordinal, of an end the number of records. `tags`: of an
    event its labels.
    """

    session: str | None = None
    product: str | None = None
    version: str | None = None
    kind: str = ""
    time: datetime | None = None
    name: str | None = None
    level: str | None = None
    category: str | None = None
    type: str | None = None
    value: float | None = None
    unit: str | None = None
    tags: list[str] | None = None
    message: str | None = None
    record: str = ""


class Tabulator:
    """Makes rows of lines, one after the other: product and version are those of the session before."""

    def __init__(self) -> None:
        self._head: SessionHead | None = None
        self._series: SeriesRow | None = None

    def row(self, line: bytes) -> Columns:
        """Raises ValueError for a line that is no record."""
        decoded = decode(line)
        row = Columns(record=line.decode())
        match decoded:
            case ExportLine():
                row.kind, row.time, row.name, row.value = "export", decoded.time, decoded.program, decoded.sessions
            case EndLine():
                row.kind, row.value = "end", decoded.records
            case ProblemMark():
                row.kind, row.time, row.product = "problem", decoded.resolved, decoded.product
                row.version, row.name, row.type = decoded.resolved_in, decoded.problem, decoded.type
                row.message = f"{decoded.status}: {decoded.culprit}"
            case SessionHead():
                self._head = decoded
                row.kind, row.time, row.type, row.message = "session", decoded.created, decoded.status, decoded.reason
            case SessionTail():
                row.kind, row.value = "session_end", decoded.records
            case WriterRow():
                row.kind, row.name, row.value = "writer", decoded.writer, decoded.next
            case StateRow():
                row.kind, row.time = "state", decoded.time
            case SeriesRow():
                self._series = decoded
                row.kind, row.time, row.value = "series", decoded.last_time, decoded.last
                self._describe(row)
            case PointRow():
                row.kind, row.time, row.value = "point", decoded.time, decoded.value
                self._describe(row)
            case EventRow():
                row.kind, row.time, row.name, row.level = "event", decoded.time, decoded.name, decoded.level
                row.category, row.tags = decoded.category, decoded.labels
                row.type = decoded.exception_type
                row.message = decoded.exception_msg if decoded.message is None else decoded.message
            case VerdictRow():
                row.kind, row.time, row.name = "verdict", decoded.time, decoded.status
                row.message = decoded.reason
            case RefusalRow():
                row.kind, row.time, row.name, row.message = "refusal", decoded.time, decoded.error, decoded.details
        if not isinstance(decoded, ExportLine | EndLine | ProblemMark) and self._head is not None:
            row.session, row.product, row.version = decoded.session, self._head.product, self._head.version
        return row

    def _describe(self, row: Columns) -> None:
        if self._series is not None:
            row.name, row.type = self._series.name, self._series.type
            row.unit, row.tags = self._series.unit, self._series.tags
