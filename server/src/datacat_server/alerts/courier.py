"""Carries to one webhook what there is to tell it, one delivery after the other, as long as a server runs.

What is to be sent is kept in the store before it is sent, and forgotten when it was taken: a server that dies in
between sends it once more, under the same id.
"""

import asyncio
import logging
from datetime import UTC, datetime

import httpx

from datacat_server.alerts import message
from datacat_server.alerts.pace import GIVE_UP_SECONDS, Rate, wait_after
from datacat_server.alerts.sending import Outcome, attempt, make_client
from datacat_server.store.alerts import AlertLog, Delivery
from datacat_server.store.errors import StoreError
from datacat_server.webhook import Webhook

log = logging.getLogger("datacat.alerts")

_LOOK_SECONDS = 1.0
_RETRY_SECONDS = 10.0


class Courier:
    """One webhook's; `web` is the address of the web UI, for links."""

    def __init__(self, alerts: AlertLog, webhook: Webhook, web: str) -> None:
        self._alerts = alerts
        self._webhook = webhook
        self._web = web
        self._rate = Rate()
        self._looked_at = -1

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
        while True:
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
        """Send it until it was taken or given up; False where nothing more is to be sent at all."""
        shown, failures = self._webhook.shown, 0
        while True:
            sent = await attempt(client, self._webhook, delivery)
            match sent.outcome:
                case Outcome.TAKEN:
                    if failures:
                        log.info("webhook %s: takes deliveries again", shown)
                    break
                case Outcome.GONE:
                    log.error("webhook %s: is gone (410); nothing is sent to it until the server starts again", shown)
                    return False
                case Outcome.UNWANTED:
                    log.error("webhook %s: refused %s %s: %s", shown, delivery.event, delivery.id, sent.words)
                    break
            failures += 1
            await asyncio.to_thread(self._alerts.note_attempt, self._webhook.id)
            tried = (datetime.now(UTC) - delivery.since).total_seconds()
            if tried > GIVE_UP_SECONDS:
                log.error("webhook %s: gave up %s %s after a day: %s", shown, delivery.event, delivery.id, sent.words)
                break
            log.warning("webhook %s: not delivered yet, and tried again: %s", shown, sent.words)
            await asyncio.sleep(max(wait_after(failures + delivery.attempts), sent.wait))
        await asyncio.to_thread(self._alerts.finish, self._webhook.id, delivery.last)
        return True
