"""`AlertLog` over the writer and the readers of the file."""

from collections.abc import Collection

from datacat_server.store.alerts import AlertFilter, AlertPage, Delivery, Waiting
from datacat_server.store.sqlite import alerts
from datacat_server.store.sqlite.file.connection import Readers
from datacat_server.store.sqlite.writing.writer import Writer

_EVERY = AlertFilter()


class SqliteAlertLog:
    """The alerts of one file, and its webhooks."""

    def __init__(self, writer: Writer, readers: Readers) -> None:
        self._writer = writer
        self._readers = readers

    def page(
        self, wanted: AlertFilter = _EVERY, *, sort: str = "-noticed", limit: int = 100, cursor: str | None = None
    ) -> AlertPage:
        with self._readers.snapshot() as db:
            return alerts.read_alerts(db, wanted, sort, limit, cursor)

    def settle_webhooks(self, webhooks: Collection[str]) -> None:
        self._writer.run(lambda ledger: alerts.settle_webhooks(ledger.db, webhooks))

    def newest(self) -> int:
        with self._readers.snapshot() as db:
            return alerts.newest_to_tell(db)

    def waiting(self, webhook: str, kinds: Collection[str], product: str | None) -> Waiting | None:
        with self._readers.snapshot() as db:
            upto, found = alerts.read_waiting(db, webhook, kinds, product)
        if found is None:
            self.finish(webhook, upto)  # so that it is not looked at again
        return found

    def under_way(self, webhook: str) -> Delivery | None:
        with self._readers.snapshot() as db:
            return alerts.read_delivery(db, webhook)

    def begin(self, webhook: str, delivery: Delivery) -> None:
        self._writer.run(lambda ledger: alerts.begin_delivery(ledger.db, webhook, delivery))

    def note_attempt(self, webhook: str) -> None:
        self._writer.run(lambda ledger: alerts.note_attempt(ledger.db, webhook))

    def others_wait(self, kinds: Collection[str], product: str | None, last: int) -> bool:
        with self._readers.snapshot() as db:
            return alerts.others_wait(db, kinds, product, last)

    def set_aside(self, webhook: str) -> None:
        self._writer.run(lambda ledger: alerts.set_aside(ledger.db, webhook))

    def aside(self, webhook: str) -> list[Delivery]:
        with self._readers.snapshot() as db:
            return alerts.read_aside(db, webhook)

    def note_attempt_aside(self, webhook: str, delivery: str) -> None:
        self._writer.run(lambda ledger: alerts.note_attempt(ledger.db, alerts.lane_of(webhook, delivery)))

    def finish_aside(self, webhook: str, delivery: str) -> None:
        self._writer.run(lambda ledger: alerts.finish_aside(ledger.db, webhook, delivery))

    def finish(self, webhook: str, last: int) -> None:
        self._writer.run(lambda ledger: alerts.finish_delivery(ledger.db, webhook, last))
