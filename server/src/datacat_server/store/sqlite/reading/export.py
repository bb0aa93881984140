"""Sessions out of the tables as the rows of an export, in bounded memory however many rows a session has."""

import sqlite3
from collections import defaultdict, deque
from collections.abc import Iterator
from itertools import islice
from typing import IO, Any

import msgspec
from msgspec import Raw

from datacat_server.exchange.records import (
    EventRow,
    PointRow,
    ProblemMark,
    RefusalRow,
    Row,
    SeriesRow,
    SessionHead,
    SessionTail,
    StateRow,
    VerdictRow,
    WriterRow,
    encode,
    encode_lines,
    one_line,
)
from datacat_server.filters import Filter
from datacat_server.ingest.lifecycle import TOLD_BY
from datacat_server.store.exchange import ExportedSession
from datacat_server.store.sqlite.reading.selection import selection
from datacat_server.store.sqlite.rows.cursor import read_cursor, write_cursor
from datacat_server.store.sqlite.rows.events import COLUMNS, LEVELS
from datacat_server.store.sqlite.rows.times import to_datetime, to_optional_datetime

_AT_ONCE = 1_000
_HEAD = (
    "id, session_id, product, version, status, created, updated, ended, last_heartbeat, received, suspended, crashed,"
    " hung, ever_hung, reason, machine_id, hostname, pid, facts, event_count, metric_count, exception_count,"
    " refused_count, dropped_count, lost_count, boot_id, presumed"
)

_strings = msgspec.json.Decoder(list[str])
_numbers = msgspec.json.Decoder(list[float])
_counts = msgspec.json.Decoder(list[int])


def count_selected(db: sqlite3.Connection, wanted: Filter) -> int:
    """How many sessions a filter picks."""
    condition, values = selection(wanted)
    count: int = db.execute(f"SELECT count(*) FROM sessions WHERE {condition}", values).fetchone()[0]
    return count


def read_selected(
    db: sqlite3.Connection, wanted: Filter, limit: int, cursor: str | None
) -> tuple[list[str], str | None]:
    """Ids of the sessions that a filter picks, oldest first, and where to go on, None at the end."""
    condition, values = selection(wanted)
    after = read_cursor(cursor, "created", int, int) if cursor is not None else [-1, -1]
    rows = db.execute(
        f"SELECT session_id, created, id FROM sessions WHERE ({condition}) AND (created, id) > (?, ?)"
        " ORDER BY created, id LIMIT ?",
        (*values, *after, limit),
    ).fetchall()
    return [row[0] for row in rows], write_cursor("created", *rows[-1][1:]) if len(rows) == limit else None


def export_session(db: sqlite3.Connection, session_id: str, lines: IO[bytes]) -> ExportedSession | None:
    """Write the lines of a session, as the database shows it now; None where it is gone."""
    found = read_head(db, session_id)
    if found is None:
        return None
    number, head = found
    lines.write(encode(head) + b"\n")
    records = 0
    rows = read_rows(db, number, session_id)
    while some := list(islice(rows, _AT_ONCE)):
        lines.write(encode_lines(some))
        records += len(some)
    lines.write(encode(SessionTail(session=session_id, records=records)) + b"\n")
    lines.seek(0)
    return ExportedSession(session_id, records, lines)


def read_head(db: sqlite3.Connection, session_id: str) -> tuple[int, SessionHead] | None:
    """The number of a session and its first line; None where it is gone."""
    found = db.execute(f"SELECT {_HEAD} FROM sessions WHERE session_id = ?", (session_id,)).fetchone()
    if found is None:
        return None
    number, name, product, version, status, created, updated, ended, heartbeat, received, *rest = found
    suspended, crashed, hung, ever_hung, reason, machine_id, hostname, pid, facts, *counts = rest
    events, metrics, exceptions, refused, dropped, lost, boot_id, presumed = counts
    return number, SessionHead(
        session=name,
        product=product,
        version=version,
        status=status,
        created=to_datetime(created),
        updated=to_datetime(updated),
        ended=to_optional_datetime(ended),
        last_heartbeat=to_optional_datetime(heartbeat),
        received=to_datetime(received),
        suspended=bool(suspended),
        crashed=bool(crashed),
        hung=bool(hung),
        ever_hung=bool(ever_hung),
        reason=reason,
        machine_id=machine_id,
        hostname=hostname,
        pid=pid,
        boot_id=boot_id,
        presumed=to_optional_datetime(presumed),
        facts=Raw(facts.encode()),
        event_count=events,
        metric_count=metrics,
        exception_count=exceptions,
        refused_count=refused,
        dropped_count=dropped,
        lost_count=lost,
    )


def read_rows(db: sqlite3.Connection, number: int, session_id: str) -> Iterator[Row]:
    """All that belongs to a session, in the order in which `export.sequence` has it."""
    yield from _writers(db, number, session_id)
    yield from _states(db, number, session_id)
    yield from _series(db, number, session_id)
    yield from _happened(db, number, session_id)
    yield from _refusals(db, number, session_id)


def _happened(db: sqlite3.Connection, number: int, session_id: str) -> Iterator[EventRow | VerdictRow]:
    """Events in the order in which they came, and each verdict, in their order, before the event that tells of it."""
    told = [
        (seq, (time, reason))
        for seq, time, reason in db.execute(
            "SELECT seq, time, reason FROM verdicts WHERE session = ? ORDER BY seq", (number,)
        )
    ]
    places: defaultdict[tuple[int, str | None], deque[int]] = defaultdict(deque)
    for place, (_, key) in enumerate(told):
        places[key].append(place)
    done = 0
    for time, event in _events(db, number, session_id):
        if event.category == "datacat" and event.name in TOLD_BY:
            same = places.get((time, event.message))
            while same and same[0] < done:
                same.popleft()
            if same:
                found = same.popleft()
                yield from (_verdict(db, number, session_id, seq) for seq, _ in told[done : found + 1])
                done = found + 1
        yield event
    yield from (_verdict(db, number, session_id, seq) for seq, _ in told[done:])


def read_marks(db: sqlite3.Connection, wanted: Filter) -> list[ProblemMark]:
    """What is marked of the problems in which sessions of a filter count."""
    condition, values = selection(wanted)
    rows = db.execute(
        "SELECT id, product, type, culprit, status, resolved, resolved_in, regressed, regressed_in FROM problems"
        " WHERE status <> 'open' AND EXISTS (SELECT 1 FROM problem_sessions"
        f" JOIN sessions ON sessions.id = problem_sessions.session WHERE problem = problems.id AND {condition})"
        " ORDER BY id",
        values,
    )
    return [
        ProblemMark(
            problem=problem,
            product=product,
            type=kind,
            culprit=culprit,
            status=status,
            resolved=to_optional_datetime(resolved),
            resolved_in=resolved_in,
            regressed=to_optional_datetime(regressed),
            regressed_in=regressed_in,
        )
        for problem, product, kind, culprit, status, resolved, resolved_in, regressed, regressed_in in rows
    ]


def _writers(db: sqlite3.Connection, number: int, session_id: str) -> Iterator[WriterRow]:
    rows = db.execute("SELECT writer, next FROM writers WHERE session = ? ORDER BY writer", (number,))
    return (WriterRow(session=session_id, writer=writer, next=following) for writer, following in rows)


def _states(db: sqlite3.Connection, number: int, session_id: str) -> Iterator[StateRow]:
    rows = db.execute("SELECT time, patch FROM state_changes WHERE session = ? ORDER BY seq", (number,))
    return (StateRow(session=session_id, time=to_datetime(time), state=one_line(patch)) for time, patch in rows)


def _series(db: sqlite3.Connection, number: int, session_id: str) -> Iterator[SeriesRow | PointRow]:
    rows = db.execute(
        "SELECT id, name, type, vital, tags, unit, count, sum, min, max, last, last_time, metadata, bounds, buckets"
        " FROM series WHERE session = ? ORDER BY id",
        (number,),
    ).fetchall()
    for place, row in enumerate(rows):
        series, name, kind, vital, tags, unit, count, total, low, high, last, time, metadata, bounds, buckets = row
        yield SeriesRow(
            session=session_id,
            series=place,
            name=name,
            type=kind,
            vital=bool(vital),
            tags=_strings.decode(tags),
            unit=unit,
            count=count,
            sum=total,
            min=low,
            max=high,
            last=last,
            last_time=to_datetime(time),
            metadata=one_line(metadata),
            bounds=_numbers.decode(bounds) if buckets else None,
            buckets=_counts.decode(buckets) if buckets else None,
        )
        yield from _points(db, series, session_id, place, name)


def _points(db: sqlite3.Connection, series: int, session_id: str, place: int, name: str) -> Iterator[PointRow]:
    # In the order of arrival, in which sums come out the same. That is nearly always the order of the table, and then
    # nothing has to be sorted in memory.
    disordered = db.execute(
        "SELECT 1 FROM (SELECT seq, lag(seq) OVER (ORDER BY time, seq) AS before FROM points WHERE series = ?)"
        " WHERE seq < before LIMIT 1",
        (series,),
    ).fetchone()
    order = "seq" if disordered else "time, seq"
    rows = db.execute(f"SELECT time, value, count, metadata FROM points WHERE series = ? ORDER BY {order}", (series,))
    return (
        PointRow(
            session=session_id,
            series=place,
            name=name,
            time=to_datetime(time),
            value=value,
            count=count,
            metadata=one_line(metadata),
        )
        for time, value, count, metadata in rows
    )


def _events(db: sqlite3.Connection, number: int, session_id: str) -> Iterator[tuple[int, EventRow]]:
    """Each with its time in microseconds."""
    # Their numbers alone are sorted, not what they hold; and those too only where they did not come by time.
    disordered = db.execute(
        "SELECT 1 FROM (SELECT id, lag(id) OVER (ORDER BY time, id) AS before FROM events WHERE session = ?)"
        " WHERE id < before LIMIT 1",
        (number,),
    ).fetchone()
    if disordered:
        ids = db.execute("SELECT id FROM events WHERE session = ? ORDER BY id", (number,))
        query = f"SELECT {COLUMNS} FROM events WHERE id = ?"
        rows: Iterator[Any] = (db.execute(query, found).fetchone() for found in ids)
    else:
        rows = db.execute(f"SELECT {COLUMNS} FROM events WHERE session = ? ORDER BY time, id", (number,))
    for time, level, name, category, group, labels, message, data, exception in rows:
        yield (
            time,
            EventRow(
                session=session_id,
                time=to_datetime(time),
                name=name,
                level=LEVELS[level],
                category=category,
                group=group,
                labels=_strings.decode(labels) if labels else None,
                message=message,
                data=one_line(data),
                **(msgspec.json.decode(exception) if exception else {}),
            ),
        )


def _verdict(db: sqlite3.Connection, number: int, session_id: str, seq: int) -> VerdictRow:
    time, status, reason, data = db.execute(
        "SELECT time, status, reason, data FROM verdicts WHERE session = ? AND seq = ?", (number, seq)
    ).fetchone()
    return VerdictRow(session=session_id, time=to_datetime(time), status=status, reason=reason, data=one_line(data))


def _refusals(db: sqlite3.Connection, number: int, session_id: str) -> Iterator[RefusalRow]:
    rows = db.execute(
        "SELECT time, writer, ordinal, error, details FROM refusals WHERE session = ? ORDER BY id", (number,)
    )
    return (
        RefusalRow(
            session=session_id, time=to_datetime(time), writer=writer, ordinal=ordinal, error=error, details=details
        )
        for time, writer, ordinal, error, details in rows
    )
