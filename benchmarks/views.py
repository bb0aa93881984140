"""Every page of the web UI over the large store, and the views of it that ask the most."""

import json
from urllib.parse import quote

import large_store
from batches import Connection

PROBE = quote('window_state.open:"space probe"')
LONG = f"/sessions/{large_store.LONG}"
_CRASHED = "session-000007"
_OF_A_PROBLEM = "a problem"

_VIEWS = {
    "overview": "/",
    "sessions": "/sessions",
    "sessions, crashed": "/sessions?status=crashed",
    "sessions, of a product and version": f"/sessions?product={quote('Game 3')}&version=1.7",
    "sessions, with a text": "/sessions?q=host-77",
    "sessions, that had the space probe": f"/sessions?ever_contains={PROBE}",
    "sessions, by events": "/sessions?sort=-event_count",
    "a session": "/sessions/session-000777",
    "a session that crashed": f"/sessions/{_CRASHED}",
    "the long session": LONG,
    "the long session, an hour of it": f"{LONG}?from=3600&to=7200&at=5000",
    "the long session, errors with a text": f"{LONG}?level=error&q=moved",
    "metrics": "/metrics",
    "metrics, peak memory of all": "/metrics?name=memory_usage&aggregate=peak",
    "metrics, peak memory of a product": f"/metrics?name=memory_usage&aggregate=peak&product={quote('Game 3')}",
    "metrics, peak memory with the space probe": f"/metrics?name=memory_usage&aggregate=peak&ever_contains={PROBE}",
    "problems": "/problems",
    _OF_A_PROBLEM: "/problems/{problem}",
    "releases": "/releases",
    "releases, of a product": f"/releases?product={quote('Game 3')}",
    "comparison of two": f"/compare?ids=session-000777,{_CRASHED}",
    "comparison with the long session": f"/compare?ids=session-000777,{large_store.LONG}",
    "settings": "/settings",
}


def views(api: Connection) -> dict[str, str]:
    """Addresses by name; the problem is the newest of those that the server has."""
    newest = json.loads(api.request("GET", "/api/problems?limit=1"))["problems"][0]["id"]
    return {name: path.format(problem=quote(newest, safe="")) for name, path in _VIEWS.items()}
