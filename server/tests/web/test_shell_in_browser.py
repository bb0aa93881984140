"""What all pages share, in a real browser: they follow the server, leave the reader's own alone, tell their state."""

import time
from typing import Any

import pytest
from datacat_server.store.errors import StoreError
from datacat_server.store.sqlite import SqliteStore
from playwright.sync_api import Browser, Page, expect
from support.recordings import Recording, exception, played, segfault


def live(page: Page) -> None:
    """Wait until the page follows the server."""
    expect(page.locator("#connection")).to_have_text("live")


def test_the_first_page_becomes_the_overview_when_the_first_session_arrives(page: Page, store: SqliteStore) -> None:
    page.goto("/")
    live(page)
    expect(page.locator("#example")).to_contain_text("http://localhost:9090")
    segfault(Recording("s-1", started=time.time() - 60), 1).send(store)
    expect(page.locator("h1.sentence")).to_contain_text("1 crashed in the last day")
    expect(page.locator("#example")).to_have_count(0)
    expect(page).to_have_title("1 crashed · Overview · DataCat")
    expect(page.locator("#icon")).to_have_attribute("href", "/static/icon-crashed.svg")


def test_the_first_lines_are_copied_as_they_stand(browser: Browser, address: str) -> None:
    context = browser.new_context(base_url=address, permissions=["clipboard-read", "clipboard-write"])
    page = context.new_page()
    page.goto("/")
    page.get_by_role("button", name="Copy").click()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.splitlines()[0] == "import datacat"
    assert copied.splitlines()[-1] == "session.end()"
    assert len(copied.splitlines()) == 7
    compile(copied, "first.py", "exec")
    context.close()


@pytest.mark.parametrize("where", ["/", "/sessions", "/problems", "/releases", "/metrics", "/settings"])
def test_pages_of_many_sessions_follow_the_server(page: Page, store: SqliteStore, where: str) -> None:
    Recording("s-1").event(1, "x").metric(1, "fps", "gauge", value=1).send(store)
    page.goto(where)
    live(page)
    expect(page.locator("#running")).to_contain_text("1")
    page.evaluate("document.querySelector('#page').dataset.kept = 'yes'")
    exception(played(Recording("s-2", version="9.9"), 5), 6).send(store)
    expect(page.locator("#running")).to_contain_text("2")
    if where in ("/", "/sessions", "/releases"):
        expect(page.locator("#page")).to_contain_text("9.9")
    if where == "/problems":
        expect(page.locator("#page")).to_contain_text("KeyError")


def test_more_windows_than_a_browser_has_connections_all_open_and_follow(
    browser: Browser, address: str, store: SqliteStore
) -> None:
    Recording("s-0").event(1, "x").send(store)
    context = browser.new_context(base_url=address)
    windows = [context.new_page() for _ in range(8)]
    for number, window in enumerate(windows):
        window.goto("/sessions" if number % 2 else "/sessions/s-0")
        live(window)
    Recording("s-1").event(1, "x").send(store)
    for window in windows[1::2]:
        expect(window.locator('[data-session="s-1"]')).to_be_visible(timeout=15_000)
    context.close()


def test_what_is_typed_stays_when_the_page_is_brought_up_to_date(page: Page, store: SqliteStore) -> None:
    Recording("s-1").event(1, "x").send(store)
    page.goto("/sessions")
    live(page)
    page.locator("#search").fill("half a wo")
    page.locator("#columns summary").click()
    page.get_by_label("Order").select_option("duration")
    Recording("s-2").event(1, "x").send(store)
    expect(page.locator('[data-session="s-2"]')).to_be_visible()
    expect(page.locator("#search")).to_have_value("half a wo")
    expect(page.get_by_label("Order")).to_have_value("duration")
    expect(page.get_by_label("Order")).to_be_visible()


def test_only_keys_that_hold_on_a_page_are_listed(page: Page, store: SqliteStore) -> None:
    page.goto("/sessions")
    page.keyboard.press("?")
    keys = page.locator("#keys")
    expect(keys).to_contain_text("search")
    expect(keys.get_by_text("next and previous row")).to_be_hidden()
    expect(keys.get_by_text("choose the row")).to_be_hidden()
    page.keyboard.press("Escape")
    Recording("s-1").event(1, "x").send(store)
    expect(page.locator('[data-session="s-1"]')).to_be_visible()
    page.keyboard.press("?")
    expect(keys.get_by_text("next and previous row")).to_be_visible()
    expect(keys.get_by_text("choose the row")).to_be_visible()


def test_a_deletion_is_said_once_and_leads_back_to_the_filter(page: Page, store: SqliteStore) -> None:
    for number in range(3):
        Recording(f"s-{number}", product="One").event(1, "x").send(store)
    page.goto("/sessions?product=One&sort=-updated")
    live(page)
    page.locator("#pick-s-1").check()
    page.get_by_role("button", name="Delete…").click()
    expect(page.locator("h1")).to_have_text("Delete 1 session?")
    page.get_by_role("button", name="Delete 1 session for good").click()
    expect(page.locator(".done")).to_have_text("1 session deleted for good.")
    page.wait_for_url("**/sessions?product=One&sort=-updated")
    live(page)
    Recording("s-new", product="One").event(1, "x").send(store)
    expect(page.locator('[data-session="s-new"]')).to_be_visible()
    expect(page.locator(".done")).to_be_visible()
    page.reload()
    expect(page.locator("tr.session")).to_have_count(3)
    expect(page.locator(".done")).to_have_count(0)


def test_choosing_all_of_a_page_says_that_there_are_others(page: Page, store: SqliteStore) -> None:
    for number in range(52):
        Recording(f"s-{number}").send(store)
    page.goto("/sessions")
    page.locator("#pick-all").check()
    expect(page.locator("#chosen-count")).to_have_text("50 chosen: this page, of 52 found")
    page.locator("#pick-s-51").uncheck()
    expect(page.locator("#chosen-count")).to_have_text("49 chosen")


def test_a_page_that_could_not_be_made_comes_by_itself_when_it_can(
    page: Page, store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise StoreError("the disk is away")

    Recording("s-1").event(1, "x").send(store)
    with monkeypatch.context() as patched:
        patched.setattr(store, "releases", broken)
        page.goto("/")
        expect(page.locator("h1")).to_contain_text("The sessions could not be read.")
    expect(page.locator("h1.sentence")).to_contain_text("1 is active", timeout=30_000)


def test_a_page_without_a_list_says_that_the_server_is_away_too(page: Page, served: Any) -> None:
    page.goto("/nowhere")
    live(page)
    served.stop()
    expect(page.locator("#lost")).to_contain_text("trying again", timeout=30_000)
    expect(page.locator("#icon")).to_have_attribute("href", "/static/icon-lost.svg")
    served.start()
    expect(page.locator("#lost")).to_be_hidden(timeout=30_000)
    expect(page.locator("#icon")).to_have_attribute("href", "/static/icon.svg")


def test_paper_has_what_is_to_be_read_and_no_controls(page: Page, store: SqliteStore) -> None:
    segfault(played(Recording("s-1"), 5), 6).send(store)
    page.goto("/sessions")
    page.emulate_media(media="print", color_scheme="dark")
    for control in ("header.top", ".actions", ".line", ".pick", "#columns"):
        for one in page.locator(control).all():
            expect(one).to_be_hidden()
    expect(page.locator('[data-session="s-1"]')).to_contain_text("Killed by SIGSEGV")
    red, green, blue = page.evaluate(
        "getComputedStyle(document.body).backgroundColor.match(/[0-9]+/g).slice(0, 3).map(Number)"
    )
    assert min(red, green, blue) > 200, "dark is for screens"


def test_nothing_moves_by_itself_where_the_reader_wants_no_motion(page: Page, store: SqliteStore) -> None:
    played(Recording("s-1"), 5).send(store)
    page.emulate_media(reduced_motion="reduce")
    for where in ("/", "/sessions", "/sessions/s-1"):
        page.goto(where)
        moving = page.evaluate(
            "[...document.querySelectorAll('*')].filter(one => parseFloat(getComputedStyle(one).transitionDuration))"
            ".map(one => one.outerHTML.slice(0, 80))"
        )
        assert moving == []
