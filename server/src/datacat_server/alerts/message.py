"""What is sent to a webhook: one alert, or how many of which kind there were where there were too many.

Shapes: docs/guides/webhooks.md. A delivery's id is made of the webhook and the alerts that it tells of, so that it is
the same however often it is sent.
"""

import hashlib
from datetime import UTC, datetime
from urllib.parse import quote

import msgspec
from msgspec import Struct

from datacat_server.model import SessionSummary
from datacat_server.store.alerts import Alert, Delivery, Waiting
from datacat_server.webhook import Webhook

SUMMARY = "summary"


class Message(Struct, kw_only=True, frozen=True):
    """One alert. `problem` and `problem_url`: of the kind `problem`, else null."""

    delivery: str
    kind: str
    time: datetime
    reason: str
    session: SessionSummary
    problem: str | None
    url: str
    problem_url: str | None


class Summary(Struct, kw_only=True, frozen=True):
    """Alerts that were too many to be sent one by one. `sessions`: the addresses of the first few."""

    delivery: str
    kind: str
    time: datetime
    until: datetime
    reason: str
    count: int
    kinds: dict[str, int]
    products: dict[str, int]
    sessions: list[str]
    url: str


def single(webhook: Webhook, alert: Alert, web: str) -> Delivery:
    """The delivery of one alert; `web` is the address of the web UI."""
    name = _delivery_id(webhook, alert.number, alert.number)
    message = Message(
        delivery=name,
        kind=alert.kind,
        time=alert.time,
        reason=alert.reason,
        session=alert.session,
        problem=alert.problem,
        url=_url(web, "sessions", alert.session.id),
        problem_url=None if alert.problem is None else _url(web, "problems", alert.problem),
    )
    return _delivery(name, alert.kind, message, alert.number)


def summary(webhook: Webhook, waiting: Waiting, web: str) -> Delivery:
    """The delivery of all that waits, as counts."""
    name = _delivery_id(webhook, waiting.first.number, waiting.newest)
    counts = ", ".join(f"{count} × {kind}" for kind, count in waiting.kinds.items())
    message = Summary(
        delivery=name,
        kind=SUMMARY,
        time=waiting.begin,
        until=waiting.end,
        reason=f"{waiting.count} alerts, too many to be sent one by one: {counts}",
        count=waiting.count,
        kinds=dict(waiting.kinds),
        products=dict(waiting.products),
        sessions=[_url(web, "sessions", session) for session in waiting.sessions],
        url=f"{web}/",
    )
    return _delivery(name, SUMMARY, message, waiting.newest)


def _delivery(name: str, event: str, message: Message | Summary, last: int) -> Delivery:
    now = datetime.now(UTC)
    return Delivery(id=name, event=event, body=msgspec.json.encode(message), last=last, attempts=0, since=now)


def _delivery_id(webhook: Webhook, first: int, last: int) -> str:
    return hashlib.sha256(f"{webhook.id} {first} {last}".encode()).hexdigest()[:32]


def _url(web: str, room: str, name: str) -> str:
    return f"{web}/{room}/{quote(name, safe='')}"
