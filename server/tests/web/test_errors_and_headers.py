"""What is not there is explained, and every answer forbids the browser what the pages do not need."""

import re
from pathlib import Path

import pytest
from datacat_server.store.sqlite import SqliteStore
from datacat_server.web.shell import rendering
from litestar.testing import TestClient
from support.places import PAGES, PARTS
from support.recordings import Recording


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("/sessions/none-like-this", "There is no such session."),
        ("/nowhere", "There is no such page."),
        ("/sessions/s-1/events/77", "There is no such event."),
        ("/sessions/s-1/events/x", "There is no such event."),
        ("/sessions/s-1/events/99999999999999999999999", "There is no such event."),
        ("/static/bundle/none.js", "There is no such page."),
        ("/static/%00", "There is no such page."),
        ("/static/" + "x" * 5000, "There is no such page."),
        ("/static/../app.py", "There is no such page."),
    ],
)
def test_what_is_not_there_is_explained(pages: TestClient, store: SqliteStore, address: str, said: str) -> None:
    Recording("s-1").event(1, "started").send(store)
    answer = pages.get(address)
    assert answer.status_code == 404
    assert said in answer.text
    assert 'href="/sessions"' in answer.text


def test_errors_are_json_for_those_who_ask_for_json(pages: TestClient) -> None:
    answer = pages.get("/sessions/none.json")
    assert answer.status_code == 404
    assert answer.json()["error"] == "not_found"
    assert "no such session" in answer.json()["details"]
    assert pages.get("/nowhere", headers={"Accept": "application/json"}).json()["error"] == "not_found"
    assert pages.get("/sessions.json?status=asleep").json()["error"] == "bad_request"


def test_an_address_that_cannot_be_read_is_explained(pages: TestClient, store: SqliteStore) -> None:
    Recording("s-1").event(1, "started").send(store)
    for query in ("level=loud", "cursor=nonsense", "at=soon"):
        answer = pages.get(f"/sessions/s-1?{query}")
        assert answer.status_code == 400
        assert 'href="/sessions"' in answer.text


def test_pages_are_only_read(pages: TestClient) -> None:
    answer = pages.post("/sessions")
    assert answer.status_code == 405
    assert "only be read" in answer.text


def test_a_failure_is_a_page_too(pages: TestClient, store: SqliteStore, tmp_path: Path) -> None:
    store.close()
    for file in (tmp_path / "data").iterdir():
        file.write_bytes(b"no longer a database" * 1000)
    answer = pages.get("/sessions")
    assert answer.status_code == 503
    assert "The sessions could not be read." in answer.text
    assert "Traceback" not in answer.text


@pytest.mark.parametrize("address", ["/sessions", "/nowhere", "/sign-in", "/sessions.json", "/static/icon.svg"])
def test_every_answer_carries_the_headers(pages: TestClient, address: str) -> None:
    headers = pages.get(address).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"


def test_only_what_never_changes_is_kept_by_the_browser(pages: TestClient) -> None:
    html = pages.get("/sessions")
    assert html.headers["cache-control"] == "no-store"
    assert html.headers["content-type"] == "text/html; charset=utf-8"
    for asset in re.findall(r'(?:src|href)="(/static/bundle/[^"]+)"', html.text):
        answer = pages.get(asset)
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]


def test_pages_ask_nothing_of_another_host(pages: TestClient) -> None:
    html = pages.get("/nowhere").text
    assert not re.search(r"(src|href|action)=\"(https?:)?//", html)


def test_a_bundle_that_was_never_built_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(rendering, "BUNDLE", tmp_path)
    with pytest.raises(rendering.MissingBundle, match="pip install"):
        rendering.Renderer()


def test_the_list_of_every_page_is_that_of_the_routes(pages: TestClient) -> None:
    """What tests of every page go to: a page that is added is either there, or it is said to be none."""
    gets = {route.path_format for route in pages.app.routes if "GET" in getattr(route, "methods", ())}
    assert {path for path in gets if not path.endswith(".json")} == {*PAGES, *PARTS}


def test_head_is_answered_as_get_without_the_body(pages: TestClient) -> None:
    for address, status in (("/", 200), ("/sessions", 200), ("/settings", 200), ("/nowhere", 404)):
        answer = pages.head(address)
        assert (answer.status_code, answer.content) == (status, b""), address
        assert answer.headers["content-type"] == pages.get(address).headers["content-type"]


def test_a_parameter_of_the_wrong_kind_is_named(pages: TestClient) -> None:
    assert "caret: expected" in pages.get("/complete?line=x&caret=y").text
