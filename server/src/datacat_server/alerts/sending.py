"""One attempt to deliver: a POST, and what its answer means. Nothing that a receiver does takes longer than a while.

Of the answer only the status is read: a receiver may send as much and as slowly as it likes, nobody listens.
"""

import asyncio
import time
from enum import Enum, auto

import httpx

from datacat_server import __version__
from datacat_server.alerts.signature import sign
from datacat_server.store.alerts import Delivery
from datacat_server.webhook import Webhook

TIMEOUT_SECONDS = 10.0
LONGEST_WAIT = 3600.0

_UNWANTED = frozenset({400, 413, 415, 422})


class Outcome(Enum):
    """What became of an attempt."""

    TAKEN = auto()
    RETRY = auto()
    UNWANTED = auto()
    """The receiver will not take this one, however often it is sent."""
    GONE = auto()
    """The receiver wants nothing any more."""


class Attempt:
    """What became of an attempt, in words too; `wait`: the seconds that the receiver asks for before the next one."""

    def __init__(self, outcome: Outcome, words: str, wait: float = 0.0) -> None:
        self.outcome = outcome
        self.words = words
        self.wait = wait


def make_client() -> httpx.AsyncClient:
    """A client for one receiver; redirects are not followed: a body that was signed is for who was named."""
    limits = httpx.Limits(max_connections=2, max_keepalive_connections=1)
    return httpx.AsyncClient(timeout=TIMEOUT_SECONDS, follow_redirects=False, limits=limits)


async def attempt(client: httpx.AsyncClient, webhook: Webhook, delivery: Delivery) -> Attempt:
    """Send a delivery once."""
    timestamp = int(time.time())
    headers = {
        "Content-Type": "application/json",
        "User-Agent": f"DataCat/{__version__}",
        "X-DataCat-Delivery": delivery.id,
        "X-DataCat-Event": delivery.event,
        "X-DataCat-Timestamp": str(timestamp),
    }
    if webhook.secret is not None:
        headers["X-DataCat-Signature"] = sign(webhook.secret, timestamp, delivery.body)
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            async with client.stream("POST", webhook.url, content=delivery.body, headers=headers) as answer:
                return _judge(answer)
    except TimeoutError:
        return Attempt(Outcome.RETRY, f"no answer within {TIMEOUT_SECONDS:g} seconds")
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
        return Attempt(Outcome.RETRY, f"{type(error).__name__}: {error}".removesuffix(": "))


def _judge(answer: httpx.Response) -> Attempt:
    status = answer.status_code
    words = f"the answer was {status}"
    if answer.is_success:
        return Attempt(Outcome.TAKEN, words)
    if status == 410:
        return Attempt(Outcome.GONE, words)
    if status in _UNWANTED:
        return Attempt(Outcome.UNWANTED, words)
    if answer.is_redirect:
        words += ", a redirect, which is not followed"
    asked = answer.headers.get("retry-after", "")
    wait = float(asked) if asked.isascii() and asked.isdigit() and len(asked) < 10 else 0.0
    return Attempt(Outcome.RETRY, words, min(wait, LONGEST_WAIT))
