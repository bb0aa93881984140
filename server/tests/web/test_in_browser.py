"""What the pages do in a real browser: follow the server, keep their place, fit the screen, and work without script."""

import re
import time
from typing import Any

import pytest
from datacat_server.store.sqlite import SqliteStore
from playwright.sync_api import Browser, Page, expect
from support.recordings import Recording, exception, played, segfault


def running(seconds: int = 60) -> Recording:
    """A session that started a while ago and has not ended."""
    return played(Recording("s-1", started=time.time() - seconds), seconds)


def live(page: Page) -> None:
    """Wait until the page follows the server."""
    expect(page.locator("#connection")).to_have_text("live")


def test_a_page_follows_its_session_and_keeps_its_place(page: Page, store: SqliteStore) -> None:
    recording = running()
    recording.send(store)
    page.goto("/sessions/s-1")
    live(page)
    row = page.locator(".event-row").nth(3)
    opened = page.locator(f"#{row.get_attribute('id')}")
    row.locator("summary").click()
    page.evaluate("scrollTo(0, 200); document.querySelector('.chart canvas').dataset.kept = 'yes'")
    recording.event(61, "something_new").metric(61, "fps", "gauge", value=1, unit="fps").send(store)
    expect(page.locator(".event-row").first).to_contain_text("something_new")
    expect(opened).to_have_attribute("open", "")
    assert page.evaluate("scrollY") == 200
    expect(page.locator("canvas[data-kept]")).to_have_count(1)
    segfault(recording, 62).send(store)
    expect(page.locator("#verdict")).to_have_attribute("data-status", "crashed")
    expect(page.locator("#verdict")).to_contain_text("upload_texture")


def test_the_list_shows_a_new_session_by_itself(page: Page, store: SqliteStore) -> None:
    page.goto("/sessions")
    live(page)
    expect(page.locator("main")).to_contain_text("Nothing has been logged yet")
    running().send(store)
    expect(page.locator('[data-session="s-1"]')).to_have_attribute("data-status", "active")


def test_a_server_that_goes_away_is_named_and_found_again(page: Page, store: SqliteStore, served: Any) -> None:
    recording = running()
    recording.send(store)
    page.goto("/sessions/s-1")
    live(page)
    served.stop()
    expect(page.locator("#lost")).to_contain_text("has not answered since", timeout=30_000)
    expect(page.locator("#connection")).to_have_text("not live")
    recording.event(61, "logged_meanwhile").send(store)
    served.start()
    expect(page.locator(".event-row").first).to_contain_text("logged_meanwhile", timeout=30_000)
    expect(page.locator("#lost")).to_be_hidden()


def test_a_page_does_not_call_itself_live_while_nothing_is_watched(
    page: Page, store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    running().send(store)
    page.goto("/sessions/s-1")
    live(page)
    with monkeypatch.context() as broken:
        broken.setattr(store, "change_token", lambda: 1 // 0)
        expect(page.locator("#connection")).to_have_text("not live", timeout=30_000)
    expect(page.locator("#connection")).to_have_text("live", timeout=30_000)


def test_a_click_on_the_axis_shows_the_state_at_that_time(page: Page, store: SqliteStore) -> None:
    Recording("s-1").state(1, level=1).state(5, level=2).state(9, level=3).status(10, "ended", "End").send(store)
    page.goto("/sessions/s-1")
    expect(page.locator("#state")).to_contain_text("2 → 3")
    box = page.locator("#timeline .lane svg").nth(1).bounding_box()
    assert box
    page.mouse.click(box["x"] + box["width"] * 0.72, box["y"] + 5)
    expect(page.locator("#state h2")).to_contain_text("State at 0:07.")
    expect(page.locator("#state")).to_contain_text("1 → 2")
    page.wait_for_url(re.compile(r"at=7\.[12]"))
    page.go_back()
    expect(page.locator("#state")).to_contain_text("2 → 3")


def test_everything_can_be_read_with_scripts_blocked(browser: Browser, address: str, store: SqliteStore) -> None:
    segfault(exception(played(Recording("s-1"), 100), 101), 102).send(store)
    context = browser.new_context(base_url=address, java_script_enabled=False)
    page = context.new_page()
    page.goto("/sessions")
    page.locator('[data-session="s-1"] a').first.click()
    expect(page.locator(".sentence")).to_contain_text("Killed by SIGSEGV")
    page.locator(".event-row summary").nth(1).click()
    expect(page.locator(".event-row .traceback").first).to_be_visible()
    page.locator("a.chip.warning").click()
    expect(page.locator(".event-row").first).to_have_attribute("data-level", "warning")
    page.locator("#timeline .lane a").first.click()
    expect(page.locator("#state h2")).to_contain_text("State at")
    expect(page.locator(".chart svg path").first).to_be_visible()
    for only_with_script in ("#theme", "#connection", "#lost"):
        expect(page.locator(only_with_script)).to_be_hidden()
    context.close()


@pytest.mark.parametrize("width", [360, 1280, 2560])
@pytest.mark.parametrize("where", ["/sessions", "/sessions/s-1", "/sessions/none"])
def test_pages_fit_the_screen(page: Page, store: SqliteStore, width: int, where: str) -> None:
    long = "a_name_that_has_no_place_to_break_" * 4
    recording = segfault(exception(played(Recording("s-1", product=long, hostname=long), 50), 51), 52)
    recording.event(53, long, message=long, data={long: long}).metric(53, long, "gauge", value=1, tags=[long]).send(
        store
    )
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(where)
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


def test_a_phone_shows_the_first_events_and_the_rest_when_asked(page: Page, store: SqliteStore) -> None:
    running().send(store)
    page.set_viewport_size({"width": 360, "height": 800})
    page.goto("/sessions/s-1")
    shown = page.locator(".event-row:visible")
    expect(shown).to_have_count(15)
    page.locator("#more-events summary").click()
    expect(shown).to_have_count(50)
    expect(page.locator("#more-events summary")).to_be_hidden()


@pytest.mark.parametrize("name", ["door_opened", "session_crashed_detected"])
def test_on_a_phone_the_line_of_an_event_breaks_between_words(page: Page, store: SqliteStore, name: str) -> None:
    Recording("s-1").event(1, name, level="critical", category="datacat").send(store)
    page.set_viewport_size({"width": 360, "height": 800})
    page.goto("/sessions/s-1")
    summary = page.locator(".event-row summary").first
    boxes = [summary.locator(part).bounding_box() for part in ("time", ".level", ".name b")]
    ends = [round(box["y"] + box["height"]) for box in boxes if box and box["height"] < 30]  # none is broken
    assert len(ends) == 3
    assert abs(ends[0] - ends[1]) < 5
    assert (abs(ends[0] - ends[2]) < 5) is (name == "door_opened")  # the longer one is in the next line


def test_dark_and_light_follow_the_system_until_the_reader_chooses(page: Page) -> None:
    shade = "getComputedStyle(document.body).backgroundColor"
    page.emulate_media(color_scheme="dark")
    page.goto("/sessions")
    dark = page.evaluate(shade)
    page.emulate_media(color_scheme="light")
    light = page.evaluate(shade)
    assert dark != light
    page.locator("#theme").click()
    assert page.evaluate(shade) == dark
    page.reload()
    assert page.evaluate(shade) == dark
