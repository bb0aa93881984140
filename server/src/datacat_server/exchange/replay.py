"""From the rows of an export back to the records that made them, so that every fold of ingest takes them in again.

What ingest would set right or refuse today is checked in the same words; only a time is taken as it is: it was the
clock's of another day that judged it.
"""

from datetime import datetime
from itertools import pairwise

import msgspec

from datacat_server.exchange.records import (
    EventRow,
    PointRow,
    ProblemMark,
    RefusalRow,
    SeriesRow,
    SessionHead,
    StateRow,
    VerdictRow,
    WriterRow,
    content,
    microseconds,
)
from datacat_server.ingest.histogram import LARGEST_COUNT, MOST_BOUNDS
from datacat_server.ingest.presumption import WITHDRAWN
from datacat_server.ingest.records import (
    EventRecord,
    MetricRecord,
    Record,
    Samples,
    SessionLine,
    StateRecord,
    StatusRecord,
    WriterLine,
)
from datacat_server.ingest.validate import (
    LARGEST_INTEGER,
    LEVELS,
    METRIC_TYPES,
    check_record,
    check_session,
    check_writer,
)

VITALS_WRITER = "daemon-replayed"
"""Under whose name vitals are replayed: a daemon's, which is what makes them vitals. No position is kept of it."""

_LARGEST_FACTS = 1024 * 1024
_COUNTS = ("event_count", "metric_count", "exception_count", "refused_count", "dropped_count", "lost_count")


def header_of(head: SessionHead) -> SessionLine:
    """The session as a daemon would tell of it now. Raises ValueError with `field: what is wrong`."""
    line = SessionLine(
        id=head.session,
        product=head.product,
        version=head.version,
        time=0,
        machine_id=head.machine_id,
        hostname=head.hostname,
        pid=head.pid,
        boot_id=head.boot_id,
    )
    check_session(line)
    line.time = microseconds("created", head.created)
    for field in ("updated", "received", "ended", "last_heartbeat", "presumed"):
        if (time := getattr(head, field)) is not None:
            microseconds(field, time)
    for field in _COUNTS:
        if not 0 <= getattr(head, field) <= LARGEST_INTEGER:
            raise ValueError(f"{field}: expected a whole number from 0 to {LARGEST_INTEGER}")
    if len(bytes(head.facts)) > _LARGEST_FACTS:
        raise ValueError(f"facts: larger than {_LARGEST_FACTS // 2**20} MB")
    line.facts = content("facts", head.facts)
    return line


def first_header_of(head: SessionHead, first: StateRow) -> SessionLine:
    """The session as it was told of first, which is what its first state says."""
    state = content("state", first.state)
    if state.keys() != {"product", "version"} or not all(isinstance(value, str) for value in state.values()):
        raise ValueError("state: the first one of a session is its product and version, and nothing else")
    line = SessionLine(id=head.session, product=state["product"], version=state["version"], time=0)
    check_session(line)
    line.time = microseconds("time", first.time)
    line.machine_id, line.hostname, line.pid = head.machine_id, head.hostname, head.pid
    return line


def position_of(row: WriterRow) -> int:
    """The next ordinal of a writer."""
    check_writer(WriterLine(writer=row.writer, first=0, next=row.next))
    return row.next


def check_refusal(row: RefusalRow) -> None:
    """Raises ValueError for what cannot have been refused."""
    microseconds("time", row.time)
    if row.ordinal is not None and not 0 <= row.ordinal <= LARGEST_INTEGER:
        raise ValueError(f"ordinal: expected a whole number from 0 to {LARGEST_INTEGER}")


def state_of(row: StateRow) -> StateRecord:
    return StateRecord(time=microseconds("time", row.time), state=content("state", row.state))


def event_of(row: EventRow) -> EventRecord:
    """Raises ValueError with `field: what is wrong`, as the other functions do."""
    if row.level not in LEVELS:
        raise ValueError(f"level: expected one of {', '.join(sorted(LEVELS))}")
    record = EventRecord(
        name=row.name,
        level=row.level,
        category=row.category,
        group=row.group,
        labels=row.labels,
        message=row.message,
        data=row.data,
        exception_type=row.exception_type,
        exception_msg=row.exception_msg,
        stacktrace=row.stacktrace,
        source_file=row.source_file,
        source_line=row.source_line,
        source_function=row.source_function,
    )
    _check(record, row.time)
    return record


def reading_of(series: SeriesRow, row: PointRow) -> MetricRecord:
    """A reading of a gauge, timer or counter; a counter's is its total, not what was added."""
    record = _metric_of(series)
    record.value, record.count, record.metadata = row.value, row.count, row.metadata
    _check(record, row.time)
    return record


def samples_of(series: SeriesRow) -> MetricRecord:
    """All samples of a histogram, folded into one record."""
    bounds, buckets = series.bounds or [], series.buckets or []
    if not bounds or len(bounds) > MOST_BOUNDS or any(low >= high for low, high in pairwise(bounds)):
        raise ValueError(f"bounds: expected 1 to {MOST_BOUNDS} numbers, rising")
    if len(buckets) != len(bounds) + 1 or not all(0 <= count <= LARGEST_COUNT for count in buckets):
        raise ValueError(f"buckets: expected {len(bounds) + 1} counts, one more than there are bounds")
    if not 0 < series.count <= LARGEST_COUNT:
        raise ValueError(f"count: expected a whole number from 1 to {LARGEST_COUNT}")
    # Checked as one sample: sums of millions are not held against their rounding.
    record = _metric_of(series)
    record.value, record.buckets, record.metadata = series.last, list(bounds), series.metadata
    _check(record, series.last_time)
    record.value = None
    record.samples = Samples(
        counts=list(buckets),
        count=series.count,
        sum=series.sum,
        min=series.min,
        max=series.max,
        last=series.last,
    )
    return record


def status_of(row: VerdictRow) -> StatusRecord:
    """What a server said by itself is taken too: that it took a crash back."""
    record = StatusRecord(status=row.status, reason=row.reason, data=content("data", row.data))
    if row.status == WITHDRAWN:
        record.time = microseconds("time", row.time)
    else:
        _check(record, row.time)
    return record


def check_mark(mark: ProblemMark) -> None:
    """Raises ValueError for a mark that nobody can have set."""
    if mark.status == "ignored":
        if any(value is not None for value in (mark.resolved, mark.resolved_in, mark.regressed, mark.regressed_in)):
            raise ValueError("resolved: what is ignored is not resolved")
        return
    if mark.status not in ("resolved", "regressed") or mark.resolved is None or mark.resolved_in is None:
        raise ValueError("status: expected ignored, or resolved or regressed, and when and in which version")
    if mark.status == "regressed" and (mark.regressed is None or mark.regressed_in is None):
        raise ValueError("regressed: is missing")
    for field in ("resolved", "regressed"):
        if (time := getattr(mark, field)) is not None:
            microseconds(field, time)


def check_series(row: SeriesRow) -> None:
    """Raises ValueError for a series that could not have been opened."""
    if row.type not in METRIC_TYPES:
        raise ValueError(f"type: expected one of {', '.join(sorted(METRIC_TYPES))}")
    if row.tags != sorted(set(row.tags)):
        raise ValueError("tags: expected them in order, each once")
    if row.type == "histogram":
        samples_of(row)


def check_row(row: msgspec.Struct, series: SeriesRow | None) -> None:
    """What can be said of a row by itself, before any of its session is applied. `series`: that of a point.

    Raises ValueError with `field: what is wrong`.
    """
    match row:
        case ProblemMark():
            check_mark(row)
        case WriterRow():
            position_of(row)
        case RefusalRow():
            check_refusal(row)
        case StateRow():
            state_of(row)
        case EventRow():
            event_of(row)
        case VerdictRow():
            status_of(row)
        case SeriesRow():
            check_series(row)
        case PointRow() if series is not None and series.type != "histogram":
            reading_of(series, row)


def _metric_of(series: SeriesRow) -> MetricRecord:
    """What all records of a series have in common."""
    writer = VITALS_WRITER if series.vital else None
    return MetricRecord(writer=writer, name=series.name, type=series.type, unit=series.unit, tags=list(series.tags))


def _check(record: Record, time: datetime) -> None:
    instant = microseconds("time", time)
    record.time = 0
    check_record(record)
    record.time = instant
