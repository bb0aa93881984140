"""A webhook as the configuration describes it."""

import difflib
import hashlib
from typing import Any
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from datacat_server.ingest.explain import explain

MOST_WEBHOOKS = 50

TOLD_OF = ("crash", "hang", "problem")
"""What a webhook can ask to be told of."""


class Webhook(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where alerts are sent: which kinds, and of which product (all by default). `secret` signs what is sent."""

    url: str
    events: tuple[str, ...] = TOLD_OF
    secret: str | None = None
    product: str | None = None

    @property
    def id(self) -> str:
        """The same for the same address and product, whatever else is changed: its place in the log is kept by it."""
        return hashlib.sha256(f"{self.url}\0{self.product or ''}".encode()).hexdigest()[:32]

    @property
    def shown(self) -> str:
        """The address without what may be a secret: paths and queries of webhooks often are."""
        parts = urlsplit(self.url)
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        return f"{parts.scheme}://{host}{f':{parts.port}' if parts.port else ''}/…"


_KEYS = Webhook.__struct_fields__


def read_webhooks(said: Any) -> tuple[Webhook, ...]:
    """The webhooks of a list of objects. Raises ValueError, which begins with `[0].url: ` or `: `."""
    if not isinstance(said, list):
        raise ValueError(": expected an array of objects, each with a url")
    if len(said) > MOST_WEBHOOKS:
        raise ValueError(f": more than {MOST_WEBHOOKS}")
    webhooks: list[Webhook] = []
    for number, one in enumerate(said):
        if isinstance(one, dict) and (unknown := next((key for key in one if key not in _KEYS), None)) is not None:
            close = difflib.get_close_matches(str(unknown), _KEYS, 1)
            hint = f"did you mean {close[0]}?" if close else f"known are {', '.join(_KEYS)}"
            raise ValueError(f"[{number}].{unknown}: unknown key; {hint}")
        try:
            webhook = msgspec.convert(one, Webhook)
        except msgspec.ValidationError as error:
            words = explain(error, "")
            raise ValueError(f"[{number}]{'' if words.startswith(':') else '.'}{words}") from None
        if complaint := _complaint(webhook):
            raise ValueError(f"[{number}].{complaint}")
        if any(webhook.id == other.id for other in webhooks):
            raise ValueError(f"[{number}].url: stands there already, for the same product; put both into one")
        webhooks.append(webhook)
    return tuple(webhooks)


def _complaint(webhook: Webhook) -> str | None:
    """What will not do, after the name of the field."""
    try:
        parts = urlsplit(webhook.url)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if not usable or not webhook.url.isprintable() or " " in webhook.url:
        return "url: expected an address such as https://example.org/hook"
    if not webhook.events:
        return f"events: expected some of {', '.join(TOLD_OF)}"
    for event in webhook.events:
        if event not in TOLD_OF:
            return f"events: {event!r} is none of {', '.join(TOLD_OF)}"
    if webhook.secret == "":
        return "secret: must not be empty; leave it out to send without a signature"
    if webhook.product == "":
        return "product: must not be empty; leave it out for all products"
    return None
