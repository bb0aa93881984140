"""What the page of settings shows. Nothing of it is a secret: no key, no address of a webhook beyond its host."""

import sys
from datetime import datetime

from msgspec import Struct

from datacat_server import __version__
from datacat_server.config import Config
from datacat_server.store.protocol import Store
from datacat_server.webhook import Webhook


class KeyFacts(Struct, frozen=True, kw_only=True):
    """An API key, by all but what makes it one."""

    id: str
    name: str
    scopes: tuple[str, ...]
    created: datetime
    last_used: datetime | None
    revoked: datetime | None


class WebhookFacts(Struct, frozen=True, kw_only=True):
    """A webhook, by its host.

    `waiting`: how many alerts it has not got. `attempts`: those at what is under way that failed, `since` when.
    """

    host: str
    events: tuple[str, ...]
    product: str | None
    signed: bool
    waiting: int
    attempts: int
    since: datetime | None


class Sizes(Struct, frozen=True, kw_only=True):
    """In bytes; `free_bytes` of the database will be used again."""

    database_bytes: int
    log_bytes: int
    free_bytes: int


class Settings(Struct, frozen=True, kw_only=True):
    """What this server does: the settings that this process has read, and what its store says."""

    version: str
    python: str
    data_path: str
    api_address: str
    require_api_key: bool
    tls: bool
    retention_days: float
    cleanup_interval_hours: float
    heartbeat_timeout_seconds: float
    sizes: Sizes
    sessions: dict[str, int]
    has_configured_key: bool
    keys: list[KeyFacts]
    webhooks: list[WebhookFacts]


def read_settings(store: Store, config: Config, api_address: str) -> Settings:
    """The settings at this moment. Raises StoreError."""
    figures = store.figures()
    return Settings(
        version=__version__,
        python=".".join(map(str, sys.version_info[:3])),
        data_path=config.data_path,
        api_address=api_address,
        require_api_key=config.require_api_key,
        tls=config.tls_cert_file is not None,
        retention_days=config.retention_days,
        cleanup_interval_hours=config.cleanup_interval_hours,
        heartbeat_timeout_seconds=config.heartbeat_timeout_seconds,
        sizes=Sizes(database_bytes=figures.database_bytes, log_bytes=figures.log_bytes, free_bytes=figures.free_bytes),
        sessions=figures.sessions,
        has_configured_key=config.api_key is not None,
        keys=[
            KeyFacts(
                id=key.id,
                name=key.name,
                scopes=key.scopes,
                created=key.created,
                last_used=key.last_used,
                revoked=key.revoked,
            )
            for key in store.api_keys()
        ],
        webhooks=[_webhook(store, webhook) for webhook in config.webhooks],
    )


def _webhook(store: Store, webhook: Webhook) -> WebhookFacts:
    waiting = store.alerts.waiting(webhook.id, webhook.events, webhook.product)
    under_way = store.alerts.under_way(webhook.id)
    return WebhookFacts(
        host=webhook.shown,
        events=webhook.events,
        product=webhook.product,
        signed=webhook.secret is not None,
        waiting=waiting.count if waiting else 0,
        attempts=under_way.attempts if under_way else 0,
        since=under_way.since if under_way else None,
    )
