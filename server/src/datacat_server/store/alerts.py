"""What a storage engine keeps of alerts: what somebody may want to be told, and how far each webhook has come."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Protocol

from msgspec import Struct

from datacat_server.model import SessionSummary
from datacat_server.webhook import TOLD_OF

WITHDRAWN = "withdrawn"
"""A crash that was told of was none after all. Whoever is told of crashes is told of that."""

KINDS = (*TOLD_OF, WITHDRAWN)
SORTS = ("noticed", "time")
"""What the alerts can be sorted by: when the server got to know, when it happened."""


class Alert(Struct, kw_only=True, frozen=True):
    """Something that somebody may want to be told.

    Attributes:
        number: rises with each.
        time: when it happened.
        noticed: when the server got to know.
        kind: crash, hang, problem (a new one, or one that came back), or withdrawn: a crash was none.
        reason: one sentence for people.
        problem: the problem's id, for the kind `problem`; null for others.
        session: the session in which it happened.
    """

    number: int
    time: datetime
    noticed: datetime
    kind: str
    reason: str
    problem: str | None
    session: SessionSummary


class AlertFilter(Struct, kw_only=True, frozen=True):
    """Which alerts are meant: all that is set holds. `start` <= time < `end`."""

    kind: str | None = None
    product: str | None = None
    start: datetime | None = None
    end: datetime | None = None


class AlertPage(Struct, frozen=True):
    """Part of the alerts.

    Attributes:
        alerts: the alerts, in the order of `sort`.
        cursor: asks for the next part; null at the end.
    """

    alerts: list[Alert]
    cursor: str | None


class Delivery(Struct, kw_only=True, frozen=True):
    """What is under way to a webhook: `body` is sent as it is until it is taken.

    `last`: the number of the last alert that it tells of. `since`: when it was first tried.
    """

    id: str
    event: str
    body: bytes
    last: int
    attempts: int
    since: datetime


class Waiting(Struct, kw_only=True, frozen=True):
    """The alerts that wait for a webhook: the first of them, and of all how many of each kind and of each product.

    `newest`: the number up to which was looked, whoever it concerns. `sessions`: ids of the first few sessions.
    """

    first: Alert
    count: int
    newest: int
    kinds: Mapping[str, int]
    products: Mapping[str, int]
    sessions: list[str]
    begin: datetime
    end: datetime


class AlertLog(Protocol):
    """Alerts, in the order in which they came in, and webhooks' places in it. As safe as the calls of a Store."""

    def page(
        self, wanted: AlertFilter = ..., *, sort: str = "-noticed", limit: int = 100, cursor: str | None = None
    ) -> AlertPage:
        """Some alerts, sorted by one of `SORTS`, with a `-` in front the newest first.

        Raises ValueError, `name: what to do`, for a sort, cursor or kind that is none.
        """
        ...

    def settle_webhooks(self, webhooks: Collection[str]) -> None:
        """These webhooks there are: new ones begin now, and what is kept of others is forgotten."""
        ...

    def newest(self) -> int:
        """The number up to which alerts can be told by now, 0 for none: a new exception waits for a verdict."""
        ...

    def waiting(self, webhook: str, kinds: Collection[str], product: str | None) -> Waiting | None:
        """What waits for a webhook that is told of some of `TOLD_OF` (and one product); None for nothing."""
        ...

    def under_way(self, webhook: str) -> Delivery | None:
        """What was begun and is not finished."""
        ...

    def begin(self, webhook: str, delivery: Delivery) -> None:
        """Keep what is to be sent, before it is sent."""
        ...

    def note_attempt(self, webhook: str) -> None:
        """Count an attempt that failed."""
        ...

    def others_wait(self, kinds: Collection[str], product: str | None, last: int) -> bool:
        """Whether there is something to tell of some kinds (and one product) beyond this number."""
        ...

    def set_aside(self, webhook: str) -> None:
        """Go on without what is under way; it is kept to be sent beside the others."""
        ...

    def aside(self, webhook: str) -> list[Delivery]:
        """What was set aside and is not finished, the oldest first."""
        ...

    def note_attempt_aside(self, webhook: str, delivery: str) -> None:
        """Count an attempt that failed, by the id of what was set aside."""
        ...

    def finish_aside(self, webhook: str, delivery: str) -> None:
        """The webhook has got, or will never get, what was set aside under this id."""
        ...

    def finish(self, webhook: str, last: int) -> None:
        """The webhook has got, or will never get, all up to this number."""
        ...
