"""Each route needs its scope: `ingest` sends, `read` reads, `admin` does both and removes."""

from collections.abc import Callable

import pytest
from datacat_server.api.app import create_api
from datacat_server.api.auth import scope_of
from datacat_server.config import Config
from datacat_server.store.sqlite import SqliteStore
from litestar.testing import TestClient

MakeKey = Callable[..., str]

ROUTES = {
    ("GET", "/health"): None,
    ("GET", "/schema/ui"): None,  # a page that holds nothing but the field for the key
    ("GET", "/schema"): "read",
    ("GET", "/api/sessions"): "read",
    ("GET", "/api/sessions/{session_id:str}"): "read",
    ("GET", "/api/data/sessions"): "read",
    ("GET", "/api/grafana/sessions"): "read",
    ("POST", "/api/sessions"): "ingest",
    ("POST", "/api/ingest"): "ingest",
    ("POST", "/api/sessions/{session_id:str}/state"): "ingest",
    ("POST", "/api/sessions/{session_id:str}/events"): "ingest",
    ("POST", "/api/sessions/{session_id:str}/metrics"): "ingest",
    ("POST", "/api/sessions/{session_id:str}/heartbeat"): "ingest",
    ("POST", "/api/sessions/{session_id:str}/end"): "ingest",
    ("POST", "/api/sessions/{session_id:str}/crash"): "ingest",
    ("DELETE", "/api/sessions/{session_id:str}"): "admin",
}

HELD = {
    "ingest": {"ingest"},
    "read": {"read"},
    "admin": {"ingest", "read", "admin"},
}


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_every_route_needs_its_scope(store: SqliteStore) -> None:
    found = {}
    for route in create_api(store, Config()).routes:
        for method, (handler, _) in getattr(route, "route_handler_map", {}).items():
            if method != "OPTIONS":
                found[method, route.path] = scope_of(handler)
    # Of a route that is new here, say what it needs; reading is `read`, and what says nothing else is `admin`.
    assert {key: found.get(key) for key in ROUTES} == ROUTES
    for (method, path), scope in found.items():
        told = (method, path) in ROUTES or path.startswith("/schema/ui/")
        assert told or scope is not None, f"{method} {path} needs no key"


@pytest.mark.parametrize("scope", list(HELD))
def test_a_key_opens_what_its_scope_is_for_and_nothing_else(locked: TestClient, make_key: MakeKey, scope: str) -> None:
    headers = bearer(make_key("one", scope))
    locked.post("/api/sessions", json={"product": "P", "id": "s1"}, headers=bearer("sesame"))
    for (method, template), needed in ROUTES.items():
        path = template.replace("{session_id:str}", "s1")
        answer = locked.request(method, path, headers=headers, content=b"{}" if method == "POST" else None)
        if needed is None or needed in HELD[scope]:
            assert answer.status_code in (200, 400), (method, path, answer.text)
        else:
            assert answer.status_code == 403, (method, path, answer.text)
            assert answer.json()["error"] == "forbidden"
            assert f"needs a key with the scope {needed}; the key 'one' has {scope}" in answer.json()["details"]


def test_a_key_may_have_several_scopes(locked: TestClient, make_key: MakeKey) -> None:
    headers = bearer(make_key("both", "ingest", "read"))
    assert locked.post("/api/sessions", json={"product": "P", "id": "s1"}, headers=headers).status_code == 200
    assert locked.get("/api/sessions/s1", headers=headers).status_code == 200
    assert locked.delete("/api/sessions/s1", headers=headers).status_code == 403


def test_the_key_of_the_configuration_has_every_scope(locked: TestClient) -> None:
    assert locked.post("/api/sessions", json={"product": "P", "id": "s1"}, headers=bearer("sesame")).status_code == 200
    assert locked.get("/api/sessions/s1", headers=bearer("sesame")).status_code == 200
    assert locked.delete("/api/sessions/s1", headers=bearer("sesame")).status_code == 200


def test_where_no_key_is_required_whoever_comes_is_let_in(store: SqliteStore, make_key: MakeKey) -> None:
    make_key("one", "read")
    with TestClient(create_api(store, Config())) as client:
        for headers in ({}, bearer("wrong"), bearer(make_key("two", "read"))):
            assert client.post("/api/sessions", json={"product": "P"}, headers=headers).status_code == 200
