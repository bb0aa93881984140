"""Delivers alerts to the webhooks of the configuration, for as long as a server runs."""

import asyncio
import logging
import socket

from datacat_server.access.exposure import is_loopback
from datacat_server.config import Config
from datacat_server.store.errors import StoreError
from datacat_server.store.protocol import Store

log = logging.getLogger("datacat.alerts")

_RETRY_SECONDS = 10.0


async def deliver_alerts(store: Store, config: Config) -> None:
    """Deliver, each webhook by itself so that none waits for another, until cancelled."""
    # It would write whole addresses, and those of webhooks are often secrets.
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)
    while True:
        try:
            await asyncio.to_thread(store.alerts.settle_webhooks, [webhook.id for webhook in config.webhooks])
            break
        except StoreError as error:
            log.error("webhooks cannot begin yet: %s", error)
            await asyncio.sleep(_RETRY_SECONDS)
    if not config.webhooks:
        return
    from datacat_server.alerts.courier import Courier  # and the HTTP client: 10 MB that most servers never need

    async with asyncio.TaskGroup() as couriers:
        for webhook in config.webhooks:
            couriers.create_task(Courier(store.alerts, webhook, web_address(config)).run())


def web_address(config: Config) -> str:
    """Where people reach the web UI: `web_url`, else what can be told from where it listens."""
    if config.web_url:
        return config.web_url.rstrip("/")
    everywhere = config.host in ("0.0.0.0", "::", "")
    host = socket.gethostname() if everywhere else config.host
    if is_loopback(host):
        host = "localhost"
    scheme = "https" if config.tls_cert_file else "http"
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{config.web_port}"
