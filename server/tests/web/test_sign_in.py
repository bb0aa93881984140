"""A server that asks for a key: once in a browser, never in vain, and never through the page of somebody else."""

import re
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from datacat_server.access import signing
from datacat_server.access.keyring import FRESH_SECONDS
from datacat_server.config import Config
from datacat_server.store.sqlite import SqliteStore
from datacat_server.web.app import create_web
from litestar.testing import TestClient
from support.recordings import Recording

COOKIE = "datacat_key_8080"


def form_token(html: str) -> str:
    found = re.search(r'name="token" value="([^"]+)"', html)
    assert found
    return found[1]


def sign_in(pages: TestClient, key: str, **fields: str) -> Any:
    token = form_token(pages.get("/sign-in").text)
    return pages.post("/sign-in", data={"key": key, "token": token} | fields, follow_redirects=False)


def test_a_page_asks_for_the_key_once(locked_pages: TestClient, store: SqliteStore) -> None:
    Recording("s-1").event(1, "started").send(store)
    asked = locked_pages.get("/sessions/s-1?level=info")
    assert asked.status_code == 401
    assert "asks for an API key" in asked.text
    assert 'value="/sessions/s-1?level=info"' in asked.text
    form = {"key": "the-right-key", "next": "/sessions/s-1", "token": form_token(asked.text)}
    taken = locked_pages.post("/sign-in", data=form, follow_redirects=False)
    assert (taken.status_code, taken.headers["location"]) == (303, "/sessions/s-1")
    assert locked_pages.get("/sessions/s-1").status_code == 200


def test_the_cookie_is_not_the_key_and_is_kept_from_scripts_and_other_sites(locked_pages: TestClient) -> None:
    cookie = sign_in(locked_pages, "the-right-key").headers["set-cookie"]
    for part in (f"{COOKIE}=config.", "HttpOnly", "SameSite=lax", f"Max-Age={30 * 86400}", "Path=/"):
        assert part in cookie
    assert "the-right-key" not in cookie
    assert "Secure" not in cookie


def test_under_tls_the_cookie_is_secure(store: SqliteStore, tmp_path: Path) -> None:
    config = Config(api_key="k", require_api_key=True, data_path=str(tmp_path / "data"))
    with TestClient(create_web(store, config), base_url="https://datacat.local") as pages:
        assert all("Secure" in cookie for cookie in pages.get("/sign-in").headers.get_list("set-cookie"))
        assert "Secure" in sign_in(pages, "k").headers["set-cookie"]


def test_a_wrong_key_is_said_to_be_wrong(locked_pages: TestClient) -> None:
    for key in ("wrong", "", "the-right-key-", "🗝", "dc_0123456789ab_" + "0" * 64):
        answer = sign_in(locked_pages, key)
        assert answer.status_code == 401
        assert "not a key of this server" in answer.text
        assert COOKIE not in answer.headers["set-cookie"]


def test_wrong_keys_are_limited_in_rate_and_a_stored_key_still_opens(
    locked_pages: TestClient, make_key: Callable[..., str]
) -> None:
    answers = [sign_in(locked_pages, f"wrong-{number}") for number in range(25)]
    assert (answers[0].status_code, answers[-1].status_code) == (401, 429)
    assert int(answers[-1].headers["retry-after"]) >= 1
    assert "Too many wrong keys" in answers[-1].text
    assert sign_in(locked_pages, "the-right-key").status_code == 429
    assert sign_in(locked_pages, make_key("mine", "read")).status_code == 303


def test_a_key_that_only_sends_does_not_open_the_pages(locked_pages: TestClient, make_key: Callable[..., str]) -> None:
    token = make_key("sender", "ingest")
    answer = sign_in(locked_pages, token)
    assert answer.status_code == 403
    assert "not for reading" in answer.text
    refused = locked_pages.get("/sessions.json", headers={"Authorization": f"Bearer {token}"})
    assert (refused.status_code, refused.json()["error"]) == (403, "forbidden")


def test_who_may_only_read_sees_no_form_that_would_be_refused(
    locked_pages: TestClient, store: SqliteStore, make_key: Callable[..., str]
) -> None:
    Recording("s-1").event(1, "started").send(store)
    for scope, may in (("read", False), ("admin", True)):
        token = make_key(scope, scope)
        bearer = {"Authorization": f"Bearer {token}"}
        assert ('formaction="/delete"' in locked_pages.get("/sessions", headers=bearer).text) is may
        assert sign_in(locked_pages, token).status_code == 303
        assert ('formaction="/delete"' in locked_pages.get("/sessions").text) is may
        assert locked_pages.get("/delete?ids=s-1").status_code == (200 if may else 403)
    sign_in(locked_pages, make_key("reader", "read"))
    refused = locked_pages.post("/delete", data={"ids": "s-1", "token": form_token(locked_pages.get("/sign-in").text)})
    assert refused.status_code == 403
    assert "may read, but not change anything" in refused.text
    assert store.session("s-1", ()).id == "s-1"


@pytest.mark.parametrize(
    "address",
    ["/", "/sessions", "/sessions.json", "/sessions/s-1", "/sessions/s-1/events/0", "/live", "/nowhere/else", "/keys",
     "/sign-in/../sessions", "/static/../sessions", "/static/%2e%2e/sessions", "//sessions"],
)  # fmt: skip
def test_nothing_is_shown_without_it(locked_pages: TestClient, store: SqliteStore, address: str) -> None:
    Recording("s-1", product="Secret").event(1, "started").send(store)
    headers = {"Authorization": "Bearer wrong", "Cookie": f"{COOKIE}=config.99999999999.forged"}
    answer = locked_pages.get(address, headers=headers)
    assert answer.status_code in (401, 404)
    assert "Secret" not in answer.text


def test_json_takes_the_key_as_a_bearer(locked_pages: TestClient) -> None:
    assert locked_pages.get("/sessions.json").json()["error"] == "unauthorized"
    assert locked_pages.get("/sessions.json", headers={"Authorization": "Bearer the-right-key"}).status_code == 200


@pytest.mark.parametrize(
    "target",
    ["https://elsewhere.example", "//elsewhere.example", "/\\elsewhere.example", "javascript:alert(1)", "/a\r\nb: c"],
)
def test_the_form_leads_nowhere_else(locked_pages: TestClient, target: str) -> None:
    assert sign_in(locked_pages, "the-right-key", next=target).headers["location"] == "/sessions"


def test_a_form_that_no_page_of_ours_made_is_refused(locked_pages: TestClient, store: SqliteStore) -> None:
    with TestClient(locked_pages.app) as other:
        foreign = form_token(other.get("/sign-in").text)
    for token in ("", "x", f"{int(time.time()) + 60}.x", foreign):
        answer = sign_in(locked_pages, "the-right-key", token=token)
        assert answer.status_code == 400
        assert COOKIE not in answer.headers["set-cookie"]
    assert sign_in(locked_pages, "the-right-key").status_code == 303
    assert locked_pages.post("/sign-out", data={"token": foreign}).status_code == 400
    assert locked_pages.get("/sessions").status_code == 200


def test_signing_out_ends_it_in_this_browser(locked_pages: TestClient, make_key: Callable[..., str]) -> None:
    sign_in(locked_pages, make_key("<i>alice</i>", "read"))
    assert 'href="/sign-out"' in locked_pages.get("/sessions").text
    page = locked_pages.get("/sign-out")
    assert "&lt;i&gt;alice&lt;/i&gt;" in page.text
    left = locked_pages.post("/sign-out", data={"token": form_token(page.text)})
    assert left.url.path == "/sign-in"
    assert locked_pages.get("/sessions").status_code == 401
    assert locked_pages.get("/sign-out").url.path == "/sign-in"


def test_revoking_a_key_ends_the_sign_ins_by_it(
    locked_pages: TestClient, store: SqliteStore, make_key: Callable[..., str]
) -> None:
    sign_in(locked_pages, make_key("alice", "read"))
    assert locked_pages.get("/sessions").status_code == 200
    store.revoke_key("alice", datetime.now(UTC))
    time.sleep(FRESH_SECONDS + 0.1)
    assert locked_pages.get("/sessions").status_code == 401


def test_a_sign_in_ends_with_its_time(
    locked_pages: TestClient, make_key: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    token = make_key("alice", "read")
    monkeypatch.setattr(signing, "SIGN_IN_SECONDS", 1)
    sign_in(locked_pages, token)
    note = locked_pages.cookies[COOKIE]
    key_id, end, signature = note.split(".")
    time.sleep(max(0, int(end) - time.time()) + 0.05)
    later = f"{key_id}.{int(end) + 60}.{signature}"
    for forged in (note, later, "", ".", "..", f"{note}.", note[:-1], f"{key_id}.٣.x"):
        headers = {"Cookie": f"{COOKIE}={forged}".encode()}
        assert locked_pages.get("/sessions", headers=headers).status_code == 401


def test_another_configured_key_ends_the_sign_ins_by_the_old_one(store: SqliteStore, tmp_path: Path) -> None:
    def pages(key: str) -> TestClient:
        return TestClient(create_web(store, Config(api_key=key, require_api_key=True, data_path=str(tmp_path))))

    with pages("old") as before, pages("old") as same, pages("new") as after:
        sign_in(before, "old")
        note = {"Cookie": f"{COOKIE}={before.cookies[COOKIE]}"}
        assert same.get("/sessions", headers=note).status_code == 200
        assert after.get("/sessions", headers=note).status_code == 401


def test_without_the_requirement_no_key_is_asked_for(pages: TestClient) -> None:
    page = pages.get("/sessions")
    assert page.status_code == 200
    assert "sign-out" not in page.text


@pytest.mark.parametrize("address", ["/sign-in", "/sessions", "/sign-out"])
def test_pages_behind_a_key_are_not_stored_and_may_do_nothing_foreign(locked_pages: TestClient, address: str) -> None:
    sign_in(locked_pages, "the-right-key")
    headers = locked_pages.get(address).headers
    assert headers["cache-control"] == "no-store"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["x-content-type-options"] == "nosniff"
    for rule in ("default-src 'none'", "script-src 'self'", "form-action 'self'", "frame-ancestors 'none'"):
        assert rule in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
