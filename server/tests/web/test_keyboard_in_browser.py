"""The keyboard, the search line and the marks of the list, in a real browser."""

import re
from collections.abc import Iterator

import pytest
from datacat_server.store.sqlite import SqliteStore
from playwright.sync_api import Browser, Page, expect
from support.recordings import Recording

from .conftest import careful_page


@pytest.fixture
def page(browser: Browser, address: str, store: SqliteStore) -> Iterator[Page]:
    for number in range(3):
        recording = Recording(f"s-{number}", product=f"Game {number}", started=1_700_000_000 + number)
        recording.state(1, level=number, window_state={"open": ["space probe"]}).event(2, "x").send(store)
    with careful_page(browser, address, timezone_id="Asia/Kathmandu") as page:
        yield page


def test_j_and_k_move_over_rows_and_enter_opens_one(page: Page) -> None:
    page.goto("/sessions")
    focused = "document.activeElement.closest('tr')?.dataset.session"
    page.keyboard.press("j")
    assert page.evaluate(focused) == "s-2"
    page.keyboard.press("j")
    page.keyboard.press("j")
    assert page.evaluate(focused) == "s-0"
    page.keyboard.press("j")
    assert page.evaluate(focused) == "s-0", "the last row is the last"
    page.keyboard.press("k")
    assert page.evaluate(focused) == "s-1"
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/sessions/s-1$"))


def test_a_question_mark_lists_the_keys_and_g_leads_to_pages(page: Page) -> None:
    page.goto("/sessions")
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_contain_text("next and previous row")
    page.keyboard.press("j")
    assert page.evaluate("document.activeElement.closest('tr')") is None, "the dialog has the keyboard"
    page.keyboard.press("Escape")
    expect(page.locator("#keys")).to_be_hidden()
    page.keyboard.press("g")
    page.keyboard.press("o")
    expect(page.locator('.places [aria-current="page"]')).to_have_text("Overview")


def test_a_slash_searches_and_the_line_completes_by_the_keyboard(page: Page) -> None:
    page.goto("/")
    page.keyboard.press("/")
    search = page.locator("#search")
    expect(search).to_be_focused()
    page.keyboard.type("prod")
    expect(page.get_by_role("option")).to_have_text([re.compile("^product:")])
    page.keyboard.press("ArrowDown")
    expect(search).to_have_attribute("aria-activedescendant", "search-options-0")
    page.keyboard.press("Enter")
    expect(search).to_have_value("product:")
    expect(page.get_by_role("option")).to_have_text(["Game 0", "Game 1", "Game 2"])
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    expect(search).to_have_value('product:"Game 2" ')
    page.keyboard.type("contains:win")
    expect(page.get_by_role("option")).to_have_text(["window_state.open"])
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    expect(page.get_by_role("option")).to_have_text(["space probe"])
    page.get_by_role("option").click()
    expect(search).to_have_value('product:"Game 2" contains:window_state.open="space probe" ')
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/sessions\?product=Game\+2&contains=window_state\.open%3Aspace\+probe$"))
    expect(page.locator("tr.session")).to_have_count(1)
    page.locator(".chip", has_text="product:").click()
    expect(page.locator("tr.session")).to_have_count(3)


def test_keys_that_are_typed_into_a_field_are_text(page: Page) -> None:
    page.goto("/sessions")
    page.locator("#search").click()
    page.keyboard.type("jk?go/")
    expect(page.locator("#search")).to_have_value("jk?go/")
    expect(page.locator("#keys")).to_be_hidden()


def test_marked_sessions_stay_marked_while_the_list_moves_on(page: Page, store: SqliteStore) -> None:
    page.goto("/sessions")
    expect(page.locator("#connection")).to_have_text("live")
    delete = page.get_by_role("button", name="Delete…")
    expect(delete).to_be_disabled()
    page.keyboard.press("j")
    page.keyboard.press("x")
    page.locator("#pick-s-0").check()
    expect(page.locator("#chosen-count")).to_have_text("2 chosen")
    Recording("s-new").event(1, "x").send(store)
    expect(page.locator('[data-session="s-new"]')).to_be_visible()
    expect(page.locator("#chosen-count")).to_have_text("2 chosen")
    assert page.evaluate("[...document.querySelectorAll('.pick :checked')].map(box => box.value)") == ["s-2", "s-0"]
    delete.click()
    expect(page.locator("h1")).to_have_text("Delete 2 sessions?")
    page.get_by_role("button", name="Delete 2 sessions for good").click()
    expect(page.locator(".done")).to_have_text("2 sessions deleted for good.")
    expect(page.locator("tr.session")).to_have_count(2)


def test_exact_times_are_in_the_readers_zone_or_in_utc(page: Page) -> None:
    page.goto("/sessions")
    time = page.locator('[data-session="s-0"] time')
    expect(time).to_have_attribute("title", "2023-11-15 03:58:20.000 +05:45")
    page.locator("#zone").click()
    expect(time).to_have_attribute("title", "2023-11-14 22:13:20.000 UTC")
    page.reload()
    expect(time).to_have_attribute("title", "2023-11-14 22:13:20.000 UTC")
    expect(page.locator("#zone")).to_have_text("UTC")


def test_columns_are_chosen_on_the_page(page: Page) -> None:
    page.goto("/sessions?status=active")
    page.locator("#columns summary").click()
    page.get_by_label("id", exact=True).check()
    page.get_by_label("machine", exact=True).uncheck()
    page.get_by_role("button", name="Show").click()
    expect(page.locator("th.id")).to_be_visible()
    expect(page.locator("th.machine")).to_have_count(0)
    page.wait_for_url("**status=active*")
    page.goto("/sessions")
    expect(page.locator("th.id")).to_be_visible()
