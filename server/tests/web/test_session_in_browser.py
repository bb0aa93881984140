"""A session's page under the hands of a reader: marks and rows that lead to one another, fingers, keys."""

import re
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest
from datacat_server.store.sqlite import SqliteStore
from datacat_server.web.session.events import FIRST_PAGE
from playwright.sync_api import Browser, FloatRect, Locator, Page, expect
from support.recordings import Recording, exception, played

from .conftest import Pages, careful_page


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    with careful_page(browser, address, height=900, every_error=True, has_touch=True) as page:
        yield page


def opened(page: Page, where: str, lane: str = "events") -> FloatRect:
    """Open a session, wait until its axis is drawn; where a lane is plotted."""
    page.goto(where)
    expect(page.locator("#picture")).to_have_class(re.compile("drawn"))
    box = page.locator(f'[data-lane="{lane}"] > svg').bounding_box()
    assert box
    return box


def asked(page: Page, name: str) -> float:
    return float(parse_qs(urlsplit(page.url).query)[name][0])


def send_400_events(store: SqliteStore) -> None:
    recording = Recording("s-1")
    for number in range(400):
        recording.event(number / 4, f"event-{number:03}")
    recording.status(100, "ended", "End").send(store)


def scroll_to(oldest: Locator, table: Locator) -> None:
    """Scroll the table of events to its end, as often as more come, until this row is there."""
    while not oldest.count():
        table.evaluate("table => table.scrollTo(0, table.scrollHeight)")
        table.page.wait_for_timeout(50)


def test_a_mark_leads_to_its_event_and_a_row_to_its_instant(page: Page, store: SqliteStore) -> None:
    recording = Recording("s-1")
    for number in range(600):
        recording.event(number / 6, f"event-{number:03}")
    exception(recording, 20.05).status(100, "ended", "End").send(store)
    box = opened(page, "/sessions/s-1", "exceptions")
    page.mouse.click(box["x"] + box["width"] * 0.2, box["y"] + box["height"] / 2)
    page.wait_for_url("**level=exception*")
    assert asked(page, "at") == asked(page, "until") == pytest.approx(20.5, abs=1)
    expect(page.locator(".event-row")).to_have_count(1)
    expect(page.locator(".event-row.here")).to_contain_text("KeyError")
    page.locator("#events .chip", has_text="all").click()
    expect(page.locator(".event-row").nth(9)).to_be_visible()
    row = page.locator(".event-row").nth(3)
    row.hover()
    expect(page.locator("#timeline-cursor output")).to_have_text(row.locator("summary time").inner_text())
    row.locator("summary").click()
    page.wait_for_url(f"**at={row.get_attribute('data-at')}*")
    expect(row.locator(".opened")).to_be_visible()


def test_a_mark_of_a_row_that_is_there_asks_for_no_other_table(page: Page, store: SqliteStore) -> None:
    recording = Recording("s-1")
    for number in range(20):
        recording.event(number * 5, f"event-{number:03}")
    recording.status(100, "ended", "End").send(store)
    box = opened(page, "/sessions/s-1")
    page.mouse.click(box["x"] + box["width"] * 0.501, box["y"] + box["height"] - 4)
    expect(page.locator(".event-row.here")).to_contain_text("event-010")
    page.wait_for_url("**at=5*")
    assert "until" not in page.url


def test_two_fingers_zoom_and_two_taps_show_all_of_it(page: Page, store: SqliteStore) -> None:
    played(Recording("s-1"), 99).status(100, "ended", "End").send(store)
    box = opened(page, "/sessions/s-1")
    hand = page.context.new_cdp_session(page)

    def touch(kind: str, *shares: float) -> None:
        points = [{"x": box["x"] + box["width"] * share, "y": box["y"] + 20, "id": n} for n, share in enumerate(shares)]
        hand.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", 0.45, 0.55)
    for step in range(1, 6):
        touch("touchMove", 0.45 - step * 0.05, 0.55 + step * 0.05)
    touch("touchEnd")
    page.wait_for_url("**from=*to=*")
    page.wait_for_function(
        "() => { const at = new URLSearchParams(location.search); return at.get('to') - at.get('from') < 30 }"
    )
    assert asked(page, "from") < 50 < asked(page, "to")
    page.mouse.dblclick(box["x"] + box["width"] * 0.5, box["y"] + 10)
    page.wait_for_url(lambda url: "from=" not in url)
    page.locator("#lanes").focus()
    page.keyboard.press("+")
    page.wait_for_url("**from=*")
    page.keyboard.press("0")
    page.wait_for_url(lambda url: "from=" not in url)


def test_the_cursor_moves_by_keys_and_says_what_each_lane_shows(page: Page, store: SqliteStore) -> None:
    recording = Recording("s-1")
    for second in range(100):
        recording.metric(second, "fps", "gauge", value=second, unit="fps").event(second, "tick")
    recording.status(100, "ended", "End").send(store)
    opened(page, "/sessions/s-1")
    page.locator("#lanes").focus()
    page.keyboard.press("Shift+ArrowRight")
    cursor = page.locator("#timeline-cursor")
    expect(cursor.locator("output")).to_have_text("0:51.000")
    expect(cursor.locator('[data-of="fps"]')).to_have_text(re.compile(r"5[01] fps"))
    expect(cursor.locator('[data-of="lifecycle"]')).to_have_text("active")
    page.keyboard.press("Enter")
    page.wait_for_url("**at=51")


def test_many_turns_of_the_wheel_ask_for_few_pictures_and_the_last_one_is_shown(page: Page, store: SqliteStore) -> None:
    played(Recording("s-1"), 99).status(100, "ended", "End").send(store)
    box = opened(page, "/sessions/s-1")
    pictures: list[str] = []
    page.on("request", lambda request: pictures.append(request.url) if "timeline.json" in request.url else None)
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 10)
    for _ in range(30):
        page.mouse.wheel(0, -60)
    page.wait_for_url("**from=*to=*")
    expect(page.locator("#timeline-counts")).to_contain_text("events")

    def last_is_of_the_view() -> bool:
        last = parse_qs(urlsplit(pictures[-1]).query)
        return float(last["from"][0]) <= asked(page, "from") < asked(page, "to") <= float(last["to"][0])

    for _ in range(100):
        if last_is_of_the_view():
            break
        page.wait_for_timeout(100)
    assert last_is_of_the_view()
    assert 1 <= len(pictures) < 20


def test_rows_that_come_by_scrolling_are_there_once_and_in_the_readers_zone(
    browser: Browser, address: str, store: SqliteStore
) -> None:
    send_400_events(store)
    with careful_page(browser, address, height=900, timezone_id="Asia/Kathmandu") as page:
        page.goto("/sessions/s-1")
        conditions = {"offline": False, "latency": 150, "downloadThroughput": -1, "uploadThroughput": -1}
        page.context.new_cdp_session(page).send("Network.emulateNetworkConditions", conditions)
        table, oldest = page.locator("#event-table"), page.locator(".event-row", has_text="event-000")
        scroll_to(oldest, table)
        for _ in range(3):  # chunks far from the screen give their rows back, and fetch them again
            table.evaluate("table => table.scrollTo(0, 0)")
            table.evaluate("table => table.scrollTo(0, table.scrollHeight)")
        expect(oldest).to_be_visible()
        # Rows of the chunk before the last: those around the screen are all back.
        expect(page.locator(".event-row", has_text="event-051")).to_be_attached()
        ids = page.eval_on_selector_all(".event-row", "rows => rows.map(row => row.id)")
        assert len(ids) == len(set(ids)) > FIRST_PAGE
        title = oldest.locator("summary time").get_attribute("title")
        assert title and title.endswith("+05:45")


def test_rows_asked_for_while_the_server_was_away_come_when_it_is_back(
    browser: Browser, served: Pages, store: SqliteStore
) -> None:
    send_400_events(store)
    with careful_page(browser, served.address, height=900) as page:
        page.goto("/sessions/s-1")
        table, oldest = page.locator("#event-table"), page.locator(".event-row", has_text="event-000")
        scroll_to(oldest, table)
        table.evaluate("table => table.scrollTo(0, 0)")
        expect(oldest).to_have_count(0)
        served.stop()
        expect(page.locator("#connection")).to_have_text("not live")
        with page.expect_event("requestfailed", lambda request: "/s-1/events?" in request.url):
            table.evaluate("table => table.scrollTo(0, table.scrollHeight)")
        expect(oldest).to_have_count(0)
        served.start()
        expect(oldest).to_be_visible()
