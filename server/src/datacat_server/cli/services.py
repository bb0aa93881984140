"""What there is to serve, each behind the guard of its requests, and what the server of a folder does beside."""

from functools import partial

from datacat_server.alerts.chore import deliver_alerts
from datacat_server.api.app import create_api
from datacat_server.chores.abandoned import clear_abandoned
from datacat_server.chores.retention import keep_retention
from datacat_server.chores.silence import watch_silence
from datacat_server.serving.guard import guarded
from datacat_server.serving.serve import Service
from datacat_server.store.protocol import Store

CHORES = (keep_retention, clear_abandoned, watch_silence, deliver_alerts)


def api_service(store: Store) -> Service:
    """The REST API over a store."""
    return Service(guarded(partial(create_api, store), json_only=True), "server_port")


def web_service(store: Store) -> Service:
    """The web UI over a store."""
    # A server without one starts sooner without the templates.
    from datacat_server.web.app import create_web

    return Service(guarded(partial(create_web, store)), "web_port")
