"""The records of an export, one JSON object each; shapes and order: docs/design/records.md, `Exports`.

They hold what the tables hold, so that nothing is lost; what is folded from that is folded again by an import.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from msgspec import Raw, Struct

from datacat_server.ingest.explain import explain
from datacat_server.ingest.records import NOTHING
from datacat_server.ingest.validate import LATEST_TIME

FORMAT = 1
"""The version of these shapes. An import takes this one only."""

LARGEST_LINE = 64 * 1024 * 1024
"""Far beyond what any record can have grown to: what is longer is no export."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class ExportLine(Struct, tag_field="kind", tag="export", kw_only=True):
    """The first line: what this is. `sessions`: how many there were when it began; `filter`: as in a URL."""

    format: int
    program: str
    time: datetime
    sessions: int
    filter: list[tuple[str, str]] = []


class SessionHead(Struct, tag_field="kind", tag="session", kw_only=True):
    """A session, before all that belongs to it.

    `received`: when something last came in, by the server's clock. `presumed`: its crash is the server's presumption,
    since then.
    """

    session: str
    product: str
    version: str
    status: str
    created: datetime
    updated: datetime
    ended: datetime | None
    last_heartbeat: datetime | None
    received: datetime
    suspended: bool
    crashed: bool
    hung: bool
    ever_hung: bool
    reason: str | None
    presumed: datetime | None = None
    machine_id: str | None
    hostname: str | None
    pid: int | None
    boot_id: str | None = None
    facts: Raw
    event_count: int
    metric_count: int
    exception_count: int
    refused_count: int
    dropped_count: int
    lost_count: int


class WriterRow(Struct, tag_field="kind", tag="writer", kw_only=True):
    """How far the records of a writer are settled: the next ordinal."""

    session: str
    writer: str
    next: int


class StateRow(Struct, tag_field="kind", tag="state", kw_only=True):
    """A patch of the state, in the order in which they came; the first is the state that the session began with."""

    session: str
    time: datetime
    state: Raw


class SeriesRow(Struct, tag_field="kind", tag="series", kw_only=True, omit_defaults=True):
    """A metric of a session: `series` numbers them, in the order in which they were opened; its points follow.

    `bounds` and `buckets` are those of a histogram, `buckets` one longer than `bounds`.
    """

    session: str
    series: int
    name: str
    type: str
    vital: bool = False
    tags: list[str] = []
    unit: str | None = None
    count: int
    sum: float
    min: float
    max: float
    last: float
    last_time: datetime
    metadata: Raw = NOTHING
    bounds: list[float] | None = None
    buckets: list[int] | None = None


class PointRow(Struct, tag_field="kind", tag="point", kw_only=True, omit_defaults=True):
    """A reading of the series before it; `name` is that of the series, for whoever reads the file by eye."""

    session: str
    series: int
    name: str
    time: datetime
    value: float
    count: int | None = None
    metadata: Raw = NOTHING


class EventRow(Struct, tag_field="kind", tag="event", kw_only=True, omit_defaults=True):
    """An event, in the order in which they came."""

    session: str
    time: datetime
    name: str
    level: str
    category: str | None = None
    group: str | None = None
    labels: list[str] | None = None
    message: str | None = None
    data: Raw = NOTHING
    exception_type: str | None = None
    exception_msg: str | None = None
    stacktrace: list[str] | None = None
    source_file: str | None = None
    source_line: int | None = None
    source_function: str | None = None


class VerdictRow(Struct, tag_field="kind", tag="verdict", kw_only=True):
    """What was said about the process, in its order; its event, where there is one, is among the events."""

    session: str
    time: datetime
    status: str
    reason: str
    data: Raw


class RefusalRow(Struct, tag_field="kind", tag="refusal", kw_only=True):
    """A record that was refused when it came, and why."""

    session: str
    time: datetime
    writer: str | None
    ordinal: int | None
    error: str
    details: str


class SessionTail(Struct, tag_field="kind", tag="session_end", kw_only=True):
    """The session is whole. `records`: how many lines it has, the first and this one not counted."""

    session: str
    records: int


class ProblemMark(Struct, tag_field="kind", tag="problem", kw_only=True):
    """What people have marked a problem as, in which some of the sessions before it count; `problem`: its id.

    `status`: resolved, regressed or ignored. The problem itself is counted anew from the sessions. `type` and `culprit`
    are for whoever reads the file by eye.
    """

    problem: str
    product: str
    type: str
    culprit: str
    status: str
    resolved: datetime | None
    resolved_in: str | None
    regressed: datetime | None
    regressed_in: str | None


class EndLine(Struct, tag_field="kind", tag="end", kw_only=True):
    """The last line: the export is whole."""

    sessions: int
    records: int
    problems: int


Row = WriterRow | StateRow | SeriesRow | PointRow | EventRow | VerdictRow | RefusalRow
Line = ExportLine | SessionHead | Row | SessionTail | ProblemMark | EndLine

encode = msgspec.json.Encoder().encode
encode_lines = msgspec.json.Encoder().encode_lines
_CUT = "Input data was truncated"
_decoder = msgspec.json.Decoder(Line)
_object = msgspec.json.Decoder(dict[str, Any])


def decode(line: bytes) -> Line:
    """The record of a line. Raises ValueError with `field: what is wrong`."""
    try:
        decoded: Line = _decoder.decode(line)
    except msgspec.DecodeError as error:
        if str(error) == _CUT:
            raise ValueError("ends too early: the export is not whole; make it again") from None
        raise ValueError(explain(error)) from None
    except (msgspec.MsgspecError, RecursionError) as error:
        raise ValueError(explain(error)) from None
    except UnicodeDecodeError:
        raise ValueError("is not UTF-8") from None
    return decoded


def microseconds(field: str, time: datetime) -> int:
    """A time as it is stored. Raises ValueError for one that has no time zone, or that nobody could read again."""
    if time.tzinfo is None:
        raise ValueError(f"{field}: expected a time with its zone, such as 2026-11-22T10:00:00Z")
    if time < _EPOCH:
        raise ValueError(f"{field}: expected a time from 1970 on")
    since = (time - _EPOCH) // _MICROSECOND
    if since > LATEST_TIME:
        raise ValueError(f"{field}: expected a time before the year 10000, in UTC too")
    return since


def content(field: str, raw: Raw) -> dict[str, Any]:
    """An object that is kept as its JSON. Raises ValueError where it is none."""
    try:
        return _object.decode(raw)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise ValueError(explain(error, field)) from None


def one_line(json: str | None) -> Raw:
    """JSON that may have been sent over several lines, as one; within its strings there is no line's end."""
    return NOTHING if not json else Raw(json.replace("\n", " ").replace("\r", " ").encode())
