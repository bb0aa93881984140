"""Alerts as rows, and how far each webhook has come among them."""

import sqlite3
import time
from collections.abc import Collection
from typing import Any

from datacat_server.model import SessionSummary
from datacat_server.problems.fingerprint import EXCEPTION
from datacat_server.store.alerts import KINDS, SORTS, WITHDRAWN, Alert, AlertFilter, AlertPage, Delivery, Waiting
from datacat_server.store.sqlite.reading.listing import SUMMARY, summary_fields
from datacat_server.store.sqlite.rows.cursor import read_cursor, write_cursor
from datacat_server.store.sqlite.rows.times import to_datetime, to_microseconds

_MOST_NAMED = 10
_VERDICT_WITHIN_SECONDS = 10.0
_COLUMNS = f"alerts.id, time, noticed, kind, why, problem, {SUMMARY}"
_DELIVERY = "delivery, event, body, last, attempts, since"
_ASIDE = " aside "
_JOINED = "alerts JOIN sessions ON sessions.id = alerts.session"


def read_alerts(db: sqlite3.Connection, wanted: AlertFilter, sort: str, limit: int, cursor: str | None) -> AlertPage:
    """A page of alerts. Raises ValueError for a sort, cursor or kind that is none."""
    name = sort.removeprefix("-")
    if name not in SORTS:
        raise ValueError(f"sort: expected one of {', '.join(SORTS)}, with a - in front for the newest first")
    # In the order of their numbers they were noticed, also where the clock was set back.
    key = "alerts.id" if name == "noticed" else "time"
    beyond, order = ("<", "DESC") if sort.startswith("-") else (">", "ASC")
    if wanted.kind is not None and wanted.kind not in KINDS:
        raise ValueError(f"kind: expected one of {', '.join(KINDS)}")
    condition, values = "TRUE", list[Any]()
    for part, value in (
        ("kind = ?", wanted.kind),
        ("product = ?", wanted.product),
        ("time >= ?", None if wanted.start is None else to_microseconds(wanted.start)),
        ("time < ?", None if wanted.end is None else to_microseconds(wanted.end)),
    ):
        if value is not None:
            condition += f" AND {part}"
            values.append(value)
    if cursor is not None:
        condition += f" AND ({key}, alerts.id) {beyond} (?, ?)"
        values += read_cursor(cursor, sort, int, int)
    query = (
        f"SELECT {_COLUMNS}, {key} FROM {_JOINED} WHERE {condition} ORDER BY {key} {order}, alerts.id {order} LIMIT ?"
    )
    rows = db.execute(query, (*values, limit + 1)).fetchall()
    more = len(rows) > limit
    rows = rows[:limit]
    return AlertPage(
        alerts=[_alert(row[:-1]) for row in rows],
        cursor=write_cursor(sort, rows[-1][-1], rows[-1][0]) if more else None,
    )


def settle_webhooks(db: sqlite3.Connection, webhooks: Collection[str]) -> None:
    known = {row[0] for row in db.execute("SELECT id FROM webhooks")}
    gone = [lane for lane in known if lane.partition(_ASIDE)[0] not in webhooks]
    db.executemany("DELETE FROM webhooks WHERE id = ?", [(lane,) for lane in gone])
    newest = newest_alert(db)
    db.executemany(
        "INSERT INTO webhooks (id, position, attempts) VALUES (?, ?, 0)",
        [(new, newest) for new in webhooks if new not in known],
    )


def newest_alert(db: sqlite3.Connection) -> int:
    """The number of the newest alert there ever was; it may have gone with its session."""
    found = db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'alerts'").fetchone()
    return 0 if found is None else found[0]


def newest_to_tell(db: sqlite3.Connection) -> int:
    """The number up to which alerts can be told by now: that of a new exception waits whether it ends its program.

    Seconds, until the verdict; what comes after it waits with it, for webhooks are told in order.
    """
    now = time.time_ns() // 1000
    since = now - int(_VERDICT_WITHIN_SECONDS * 1e6)
    found = db.execute(
        f"SELECT alerts.id FROM {_JOINED} JOIN problems ON problems.id = alerts.problem"
        " WHERE alerts.id > coalesce((SELECT id FROM alerts WHERE noticed <= ? ORDER BY id DESC LIMIT 1), 0)"
        " AND problems.kind = ? AND alerts.noticed BETWEEN ? AND ? AND sessions.ended IS NULL"
        " ORDER BY alerts.id LIMIT 1",
        (since, EXCEPTION, since, now),
    ).fetchone()
    return newest_alert(db) if found is None else found[0] - 1


def read_waiting(
    db: sqlite3.Connection, webhook: str, kinds: Collection[str], product: str | None
) -> tuple[int, Waiting | None]:
    """Up to which number there is nothing else to tell a webhook, and what there is to tell."""
    newest = newest_to_tell(db)
    position = _position(db, webhook)
    condition, values = _to_tell(kinds, product, position, newest)
    first = db.execute(f"SELECT {_COLUMNS} FROM {_JOINED} WHERE {condition} ORDER BY alerts.id LIMIT 1", values)
    if (found := first.fetchone()) is None:
        return newest, None
    counts = f"SELECT {{0}}, count(*) FROM {_JOINED} WHERE {condition} GROUP BY {{0}} ORDER BY count(*) DESC, {{0}}"
    begin, end, count = db.execute(
        f"SELECT min(time), max(time), count(*) FROM {_JOINED} WHERE {condition}", values
    ).fetchone()
    named = f"SELECT session_id FROM {_JOINED} WHERE {condition} ORDER BY alerts.id LIMIT {_MOST_NAMED}"
    return newest, Waiting(
        first=_alert(found),
        count=count,
        newest=newest,
        kinds=dict(db.execute(counts.format("kind"), values).fetchall()),
        products=dict(db.execute(f"{counts.format('product')} LIMIT {_MOST_NAMED}", values).fetchall()),
        sessions=list(dict.fromkeys(row[0] for row in db.execute(named, values))),
        begin=to_datetime(begin),
        end=to_datetime(end),
    )


def _to_tell(kinds: Collection[str], product: str | None, position: int, upto: int) -> tuple[str, list[Any]]:
    """The condition of what a webhook is to be told beyond its position, and the values of its marks."""
    if "crash" in kinds:
        kinds = [*kinds, WITHDRAWN]
    condition = f"alerts.id > ? AND alerts.id <= ? AND kind IN ({', '.join('?' * len(kinds))})"
    values: list[Any] = [position, upto, *kinds]
    if product is not None:
        condition += " AND product = ?"
        values.append(product)
    return condition, values


def others_wait(db: sqlite3.Connection, kinds: Collection[str], product: str | None, last: int) -> bool:
    condition, values = _to_tell(kinds, product, last, newest_to_tell(db))
    return db.execute(f"SELECT 1 FROM {_JOINED} WHERE {condition} LIMIT 1", values).fetchone() is not None


def read_delivery(db: sqlite3.Connection, webhook: str) -> Delivery | None:
    row = db.execute(f"SELECT {_DELIVERY} FROM webhooks WHERE id = ? AND delivery IS NOT NULL", (webhook,)).fetchone()
    return None if row is None else _delivery(row)


def lane_of(webhook: str, delivery: str) -> str:
    """The id of the row that holds a delivery which was set aside: it has a row of its own, as a webhook has."""
    return f"{webhook}{_ASIDE}{delivery}"


def set_aside(db: sqlite3.Connection, webhook: str) -> None:
    found = db.execute("SELECT delivery, last FROM webhooks WHERE id = ?", (webhook,)).fetchone()
    db.execute(
        "INSERT OR REPLACE INTO webhooks (id, position, last, delivery, event, body, attempts, since)"
        " SELECT ?, position, last, delivery, event, body, attempts, since FROM webhooks WHERE id = ?",
        (lane_of(webhook, found[0]), webhook),
    )
    finish_delivery(db, webhook, found[1])


def read_aside(db: sqlite3.Connection, webhook: str) -> list[Delivery]:
    rows = db.execute(
        f"SELECT {_DELIVERY} FROM webhooks WHERE substr(id, 1, ?) = ? ORDER BY since, last",
        (len(webhook) + len(_ASIDE), webhook + _ASIDE),
    )
    return [_delivery(row) for row in rows]


def finish_aside(db: sqlite3.Connection, webhook: str, delivery: str) -> None:
    db.execute("DELETE FROM webhooks WHERE id = ?", (lane_of(webhook, delivery),))


def begin_delivery(db: sqlite3.Connection, webhook: str, delivery: Delivery) -> None:
    db.execute(
        "UPDATE webhooks SET delivery = ?, event = ?, body = ?, last = ?, attempts = 0, since = ? WHERE id = ?",
        (delivery.id, delivery.event, delivery.body.decode(), delivery.last, to_microseconds(delivery.since), webhook),
    )


def note_attempt(db: sqlite3.Connection, webhook: str) -> None:
    db.execute("UPDATE webhooks SET attempts = attempts + 1 WHERE id = ?", (webhook,))


def finish_delivery(db: sqlite3.Connection, webhook: str, last: int) -> None:
    db.execute(
        "UPDATE webhooks SET position = max(position, ?), delivery = NULL, event = NULL, body = NULL, last = NULL,"
        " attempts = 0, since = NULL WHERE id = ?",
        (last, webhook),
    )


def _position(db: sqlite3.Connection, webhook: str) -> int:
    found = db.execute("SELECT position FROM webhooks WHERE id = ?", (webhook,)).fetchone()
    return newest_alert(db) if found is None else found[0]


def _delivery(row: tuple[Any, ...]) -> Delivery:
    name, event, body, last, attempts, since = row
    return Delivery(id=name, event=event, body=body.encode(), last=last, attempts=attempts, since=to_datetime(since))


def _alert(row: tuple[Any, ...]) -> Alert:
    number, at, noticed, kind, why, problem, *summary = row
    return Alert(
        number=number,
        time=to_datetime(at),
        noticed=to_datetime(noticed),
        kind=kind,
        reason=why,
        problem=problem,
        session=SessionSummary(**summary_fields(summary)),
    )
