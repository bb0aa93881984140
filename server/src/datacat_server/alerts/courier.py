"""Carries to one webhook what there is to tell it, one delivery after the other, as long as a server runs.

A delivery that fails time and again while others wait is set aside, and tried beside them.

What is to be sent is kept in the store before it is sent, and forgotten when it was taken: a server that dies in
between sends it once more, under the same id.
"""

import asyncio
import logging
import time
from dataclasses import dataclass
from datetime import UTC, datetime

import httpx

from datacat_server.alerts import message
from datacat_server.alerts.pace import FAILURES_BEFORE_ASIDE, GIVE_UP_SECONDS, MOST_ASIDE, Rate, wait_after
from datacat_server.alerts.sending import Attempt, Outcome, attempt, make_client
from datacat_server.store.alerts import AlertLog, Delivery
from datacat_server.store.errors import StoreError
from datacat_server.webhook import Webhook

log = logging.getLogger("datacat.alerts")

_LOOK_SECONDS = 1.0
_RETRY_SECONDS = 10.0


@dataclass
class _Aside:
    """What others do not wait for any more: how often it failed, and when it is tried next (monotonic seconds)."""

    delivery: Delivery
    failures: int
    due: float


class Courier:
    """One webhook's; `web` is the address of the web UI, for links."""

    def __init__(self, alerts: AlertLog, webhook: Webhook, web: str) -> None:
        self._alerts = alerts
        self._webhook = webhook
        self._web = web
        self._rate = Rate()
        self._looked_at = -1
        self._aside: list[_Aside] = []

    async def run(self) -> None:
        """Deliver until cancelled, or until the receiver says that it is gone."""
        while True:
            try:
                async with make_client() as client:
                    await self._carry(client)
                return
            except StoreError as error:
                log.error("webhook %s: alerts cannot be read or kept: %s", self._webhook.shown, error)
            except Exception:
                # What is wrong with one webhook is not to end the others.
                log.exception("webhook %s: failed, and begins again", self._webhook.shown)
            await asyncio.sleep(_RETRY_SECONDS)

    async def _carry(self, client: httpx.AsyncClient) -> None:
        found = await asyncio.to_thread(self._alerts.aside, self._webhook.id)
        self._aside = [_Aside(delivery, delivery.attempts, 0.0) for delivery in found]
        while await self._redeliver(client):
            delivery = await asyncio.to_thread(self._next)
            if delivery is None:
                await asyncio.sleep(_LOOK_SECONDS)
            elif not await self._deliver(client, delivery):
                return

    def _next(self) -> Delivery | None:
        """What to send now: what was begun before, else something new as far as the rate allows."""
        webhook = self._webhook
        if (delivery := self._alerts.under_way(webhook.id)) is not None:
            return delivery
        tokens = self._rate.tokens
        newest = self._alerts.newest()
        if not tokens or newest == self._looked_at:
            return None
        waiting = self._alerts.waiting(webhook.id, webhook.events, webhook.product)
        if waiting is None:
            self._looked_at = newest
            return None
        if tokens > 1 or waiting.count == 1:
            delivery = message.single(webhook, waiting.first, self._web)
        else:
            # The last one that may be sent for now tells of all that wait.
            delivery = message.summary(webhook, waiting, self._web)
        self._rate.take()
        self._alerts.begin(webhook.id, delivery)
        return delivery

    async def _deliver(self, client: httpx.AsyncClient, delivery: Delivery) -> bool:
        """Send it until it was taken, given up or set aside; False where nothing more is to be sent at all."""
        shown, failures = self._webhook.shown, 0
        while (sent := await self._send(client, delivery)).outcome is Outcome.RETRY:
            failures += 1
            await asyncio.to_thread(self._alerts.note_attempt, self._webhook.id)
            if await asyncio.to_thread(self._set_aside, delivery, failures + delivery.attempts):
                log.warning("webhook %s: %s goes on without %s: %s", shown, delivery.event, delivery.id, sent.words)
                return True
            log.warning("webhook %s: not delivered yet, and tried again: %s", shown, sent.words)
            await asyncio.sleep(max(wait_after(failures + delivery.attempts), sent.wait))
        if sent.outcome is Outcome.GONE:
            return False
        if failures and sent.outcome is Outcome.TAKEN:
            log.info("webhook %s: takes deliveries again", shown)
        await asyncio.to_thread(self._alerts.finish, self._webhook.id, delivery.last)
        return True

    def _set_aside(self, delivery: Delivery, failures: int) -> bool:
        """Whether the others go first from now on: it may be this one alone that the receiver fails at."""
        webhook = self._webhook
        if failures < FAILURES_BEFORE_ASIDE or len(self._aside) >= MOST_ASIDE:
            return False
        if not self._alerts.others_wait(webhook.events, webhook.product, delivery.last):
            return False
        self._alerts.set_aside(webhook.id)
        self._aside.append(_Aside(delivery, failures, time.monotonic() + wait_after(failures)))
        return True

    async def _redeliver(self, client: httpx.AsyncClient) -> bool:
        """Try once more what was set aside, as far as it is due; False where nothing more is to be sent at all."""
        for aside in [one for one in self._aside if one.due <= time.monotonic()]:
            name = aside.delivery.id
            sent = await self._send(client, aside.delivery)
            if sent.outcome is Outcome.GONE:
                return False
            if sent.outcome is Outcome.RETRY:
                aside.failures += 1
                aside.due = time.monotonic() + max(wait_after(aside.failures), sent.wait)
                await asyncio.to_thread(self._alerts.note_attempt_aside, self._webhook.id, name)
            else:
                self._aside.remove(aside)
                await asyncio.to_thread(self._alerts.finish_aside, self._webhook.id, name)
        return True

    async def _send(self, client: httpx.AsyncClient, delivery: Delivery) -> Attempt:
        """Send it once, and tell of what it will never be sent again for."""
        shown, sent = self._webhook.shown, await attempt(client, self._webhook, delivery)
        match sent.outcome:
            case Outcome.GONE:
                log.error("webhook %s: is gone (410); nothing is sent to it until the server starts again", shown)
            case Outcome.UNWANTED:
                log.error("webhook %s: refused %s %s: %s", shown, delivery.event, delivery.id, sent.words)
            case Outcome.RETRY if (datetime.now(UTC) - delivery.since).total_seconds() > GIVE_UP_SECONDS:
                log.error("webhook %s: gave up %s %s after a day: %s", shown, delivery.event, delivery.id, sent.words)
                return Attempt(Outcome.UNWANTED, sent.words)
        return sent
