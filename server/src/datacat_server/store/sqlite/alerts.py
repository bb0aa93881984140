"""Alerts as rows, and how far each webhook has come among them."""

import sqlite3
import time
from collections.abc import Collection
from typing import Any

from datacat_server.model import SessionSummary
from datacat_server.problems.fingerprint import EXCEPTION
from datacat_server.store.alerts import KINDS, WITHDRAWN, Alert, AlertFilter, AlertPage, Delivery, Waiting
from datacat_server.store.sqlite.reading.listing import SUMMARY, summary_fields
from datacat_server.store.sqlite.rows.cursor import read_cursor, write_cursor
from datacat_server.store.sqlite.rows.times import to_datetime, to_microseconds

_MOST_NAMED = 10
_VERDICT_WITHIN_SECONDS = 10.0
_COLUMNS = f"alerts.id, time, noticed, kind, why, problem, {SUMMARY}"
_JOINED = "alerts JOIN sessions ON sessions.id = alerts.session"


def read_alerts(db: sqlite3.Connection, wanted: AlertFilter, limit: int, cursor: str | None) -> AlertPage:
    """A page of alerts, newest first. Raises ValueError for a cursor or kind that is none."""
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
        condition += " AND alerts.id < ?"
        values += read_cursor(cursor, "-number", int)
    query = f"SELECT {_COLUMNS} FROM {_JOINED} WHERE {condition} ORDER BY alerts.id DESC LIMIT ?"
    rows = db.execute(query, (*values, limit + 1)).fetchall()
    more = len(rows) > limit
    alerts = [_alert(row) for row in rows[:limit]]
    return AlertPage(alerts=alerts, cursor=write_cursor("-number", alerts[-1].number) if more else None)


def settle_webhooks(db: sqlite3.Connection, webhooks: Collection[str]) -> None:
    known = {row[0] for row in db.execute("SELECT id FROM webhooks")}
    db.executemany("DELETE FROM webhooks WHERE id = ?", [(gone,) for gone in known.difference(webhooks)])
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
    if "crash" in kinds:
        kinds = [*kinds, WITHDRAWN]
    condition = f"alerts.id > ? AND alerts.id <= ? AND kind IN ({', '.join('?' * len(kinds))})"
    values: list[Any] = [position, newest, *kinds]
    if product is not None:
        condition += " AND product = ?"
        values.append(product)
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


def read_delivery(db: sqlite3.Connection, webhook: str) -> Delivery | None:
    row = db.execute(
        "SELECT delivery, event, body, last, attempts, since FROM webhooks WHERE id = ? AND delivery IS NOT NULL",
        (webhook,),
    ).fetchone()
    if row is None:
        return None
    name, event, body, last, attempts, since = row
    return Delivery(id=name, event=event, body=body.encode(), last=last, attempts=attempts, since=to_datetime(since))


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
