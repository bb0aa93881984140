"""A server that asks for its key: once in a browser, never in vain."""

import pytest
from datacat_server.store.sqlite import SqliteStore
from litestar.testing import TestClient
from support.recordings import Recording


def test_a_page_asks_for_the_key_once(locked_pages: TestClient, store: SqliteStore) -> None:
    Recording("s-1").event(1, "started").send(store)
    asked = locked_pages.get("/sessions/s-1?level=info")
    assert asked.status_code == 401
    assert "asks for its API key" in asked.text
    assert 'value="/sessions/s-1?level=info"' in asked.text
    taken = locked_pages.post("/key", data={"key": "the right key", "next": "/sessions/s-1"}, follow_redirects=False)
    assert taken.status_code == 303
    assert taken.headers["location"] == "/sessions/s-1"
    cookie = taken.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "the right key" not in cookie
    assert locked_pages.get("/sessions/s-1").status_code == 200


def test_a_wrong_key_is_said_to_be_wrong(locked_pages: TestClient) -> None:
    for key in ("wrong", "", "the right key ", "🗝"):
        answer = locked_pages.post("/key", data={"key": key, "next": "/sessions"})
        assert answer.status_code == 401
        assert "not the key of this server" in answer.text
        assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    "address", ["/sessions", "/sessions.json", "/sessions/s-1", "/live", "/nowhere/else", "/keys", "/key/../sessions"]
)
def test_nothing_is_shown_without_it(locked_pages: TestClient, store: SqliteStore, address: str) -> None:
    Recording("s-1", product="Secret").event(1, "started").send(store)
    headers = {"Authorization": "Bearer wrong", "Cookie": "datacat_key=forged"}
    answer = locked_pages.get(address, headers=headers)
    assert answer.status_code in (401, 404)
    assert "Secret" not in answer.text


def test_json_takes_the_key_as_a_bearer(locked_pages: TestClient) -> None:
    assert locked_pages.get("/sessions.json").json()["error"] == "unauthorized"
    assert locked_pages.get("/sessions.json", headers={"Authorization": "Bearer the right key"}).status_code == 200


@pytest.mark.parametrize(
    "target",
    ["https://elsewhere.example", "//elsewhere.example", "/\\elsewhere.example", "javascript:alert(1)", "/a\r\nb: c"],
)
def test_the_form_leads_nowhere_else(locked_pages: TestClient, target: str) -> None:
    answer = locked_pages.post("/key", data={"key": "the right key", "next": target}, follow_redirects=False)
    assert answer.headers["location"] == "/sessions"


def test_without_the_requirement_no_key_is_asked_for(pages: TestClient) -> None:
    assert pages.get("/sessions").status_code == 200
