"""Signing in and out in a real browser, which heeds cookies, the policy of the pages, and where a form comes from."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from datacat_server.store.sqlite import SqliteStore
from playwright.sync_api import Browser, expect
from support.recordings import Recording


@pytest.mark.parametrize("scripts", [True, False])
def test_a_browser_signs_in_once_and_out_again(
    browser: Browser, locked: Any, store: SqliteStore, make_key: Callable[..., str], scripts: bool
) -> None:
    Recording("s-1", product="Secret").event(1, "started").send(store)
    context = browser.new_context(base_url=locked.address, java_script_enabled=scripts)
    page = context.new_page()
    page.goto("/sessions/s-1")
    expect(page.locator("main")).not_to_contain_text("Secret")
    page.fill("#key", "wrong")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("not a key of this server")
    page.fill("#key", make_key("alice", "read"))
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("h1")).to_contain_text("Secret")
    page.wait_for_url("**/sessions/s-1")
    other = context.new_page()
    other.goto("/sessions")
    expect(other.locator("main")).to_contain_text("Secret")
    other.get_by_role("link", name="Sign out").click()
    expect(other.locator("h1")).to_contain_text("alice")
    other.get_by_role("button", name="Sign out").click()
    expect(other.locator("#key")).to_be_visible()
    page.reload()
    expect(page.locator("#key")).to_be_visible()
    context.close()


def test_an_open_page_asks_again_when_its_key_was_revoked(
    browser: Browser, locked: Any, store: SqliteStore, make_key: Callable[..., str]
) -> None:
    recording = Recording("s-1").event(1, "started")
    recording.send(store)
    page = browser.new_context(base_url=locked.address).new_page()
    page.goto("/sessions/s-1")
    page.fill("#key", make_key("alice", "read"))
    page.keyboard.press("Enter")
    expect(page.locator("#connection")).to_have_text("live")
    assert page.evaluate("document.cookie") == "", "no script can read it"
    store.revoke_key("alice", datetime.now(UTC))
    page.wait_for_timeout(1100)
    recording.event(2, "secret_thing").send(store)
    expect(page.locator("#key")).to_be_visible()
    expect(page.locator("body")).not_to_contain_text("secret_thing")
    page.context.close()


def test_the_form_of_another_site_signs_nobody_in(browser: Browser, locked: Any, make_key: Callable[..., str]) -> None:
    """A page elsewhere sends the form by itself, with a right key: its visitor would look into the sender's data."""
    token = make_key("sender", "read")
    context = browser.new_context()
    page = context.new_page()
    form = f"""<form method=post action="{locked.address}/sign-in"><input name=key value="{token}"></form>
    <script>document.forms[0].submit()</script>"""
    page.route("http://elsewhere.example/", lambda route: route.fulfill(body=form, content_type="text/html"))
    with page.expect_response(lambda answer: "sign-in" in answer.url) as caught:
        page.goto("http://elsewhere.example/")
    assert caught.value.status == 400
    assert not [cookie for cookie in context.cookies() if "key" in str(cookie.get("name"))]
    context.close()
