"""The time axis of a session in a real browser: zoomed, moved, read off, sent on by its address, and alive."""

import re
import time
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest
from datacat_server.store.sqlite import SqliteStore
from playwright.sync_api import Browser, FloatRect, Locator, Page, expect
from support.recordings import Recording, played, segfault

from .conftest import careful_page


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    with careful_page(browser, address, height=900, every_error=True) as page:
        yield page


def opened(page: Page, where: str) -> FloatRect:
    """Open a session, wait until its axis is drawn; where its events are plotted."""
    page.goto(where)
    expect(page.locator("#picture")).to_have_class(re.compile("drawn"))
    box = page.locator('[data-lane="events"] svg').bounding_box()
    assert box
    return box


def span(page: Page) -> tuple[float, float]:
    """The part of the axis that the address says, once it says one."""
    page.wait_for_url("**from=*to=*")
    query = parse_qs(urlsplit(page.url).query)
    return float(query["from"][0]), float(query["to"][0])


def drag(page: Page, box: FloatRect, begin: float, end: float) -> None:
    """Move the pointer, pressed, from one share of the plot's width to another."""
    page.mouse.move(box["x"] + box["width"] * begin, box["y"] + 10)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * (begin + end) / 2, box["y"] + 12)
    page.mouse.move(box["x"] + box["width"] * end, box["y"] + 12)
    page.mouse.up()


def played_out(store: SqliteStore) -> None:
    segfault(played(Recording("s-1"), 99), 100).send(store)


def painted(canvas: Locator) -> int:
    """How many pixels of a canvas are not empty."""
    count: int = canvas.evaluate(
        "(it) => it.getContext('2d').getImageData(0, 0, it.width, it.height).data"
        ".filter((one, at) => at % 4 === 3 && one).length"
    )
    return count


def test_a_drag_zooms_and_the_address_shows_the_same_to_somebody_else(page: Page, store: SqliteStore) -> None:
    played_out(store)
    box = opened(page, "/sessions/s-1")
    drag(page, box, 0.2, 0.6)
    assert span(page) == pytest.approx((20, 60), abs=0.5)
    expect(page.locator("#timeline-span")).to_contain_text("of 1 min 40 s")
    opened(page, page.url)
    assert span(page) == pytest.approx((20, 60), abs=0.5)
    expect(page.locator("#timeline-counts")).to_contain_text("events (")
    page.locator('[data-zoom="whole"]').click()
    page.wait_for_url("**/sessions/s-1")


def test_keys_and_the_wheel_zoom_and_move(page: Page, store: SqliteStore) -> None:
    played_out(store)
    box = opened(page, "/sessions/s-1")
    page.locator("#lanes").focus()
    page.keyboard.press("+")
    assert span(page) == pytest.approx((25, 75), abs=0.5)
    page.keyboard.press("ArrowRight")
    page.wait_for_url("**from=31*")
    page.keyboard.press("-")
    page.keyboard.press("Home")
    page.wait_for_url("**/sessions/s-1")
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 10)
    page.mouse.wheel(0, -500)
    begin, end = span(page)
    assert end - begin < 60
    assert begin < 50 < end


def test_the_cursor_shows_the_state_and_the_readings_of_its_instant(page: Page, store: SqliteStore) -> None:
    recording = Recording("s-1").state(1, level=1).state(5, level=2).state(9, level=3)
    for second in range(10):
        recording.metric(second, "fps", "gauge", value=second * 10, unit="fps")
    recording.status(10, "ended", "End").send(store)
    box = opened(page, "/sessions/s-1")
    page.mouse.move(box["x"] + box["width"] * 0.62, box["y"] + 10)
    expect(page.locator("#timeline-cursor")).to_contain_text("0:06.2")
    expect(page.locator('#timeline-cursor [data-of="fps"]')).to_have_text("60 fps")
    expect(page.locator("#state h2")).to_contain_text("State at 0:06.2")
    expect(page.locator("#state .changed")).to_contain_text("1 → 2")
    page.mouse.move(box["x"] + 10, box["y"] - 300)
    expect(page.locator("#state h2")).to_have_text("Last state")
    page.locator("#lanes").focus()
    page.keyboard.press("p")
    page.wait_for_url("**at=5")
    expect(page.locator("#state .changed")).to_contain_text("1 → 2")
    page.keyboard.press("n")
    page.wait_for_url("**at=9")


def test_the_axis_outlives_updates_and_goes_along_with_the_end(page: Page, store: SqliteStore) -> None:
    recording = played(Recording("s-1", started=time.time() - 60), 60)
    recording.send(store)
    box = opened(page, "/sessions/s-1")
    expect(page.locator("#connection")).to_contain_text("live")
    page.evaluate("document.querySelector('#picture canvas').kept = true")
    drag(page, box, 0.5, 1)
    begin, end = span(page)
    recording.event(60.5, "later").send(store)
    expect(page.locator(".event-row").first).to_contain_text("later")
    page.wait_for_function("(end) => Number(new URL(location).searchParams.get('to')) > end + 0.1", arg=end)
    later = span(page)
    assert later[1] - later[0] == pytest.approx(end - begin, rel=0.05)
    assert page.evaluate("document.querySelector('#picture canvas').kept") is True
    assert painted(page.locator("#picture canvas")) > 1_000


def test_the_picture_comes_without_moving_anything(page: Page, store: SqliteStore) -> None:
    played_out(store)
    page.add_init_script(
        "window.shifts = [];"
        "new PerformanceObserver((list) => shifts.push(...list.getEntries().map((one) => one.value)))"
        ".observe({type: 'layout-shift', buffered: true});"
    )
    opened(page, "/sessions/s-1")
    page.wait_for_load_state("networkidle")
    assert sum(page.evaluate("shifts")) < 0.01


def test_events_come_as_one_scrolls_and_a_search_keeps_the_view(page: Page, store: SqliteStore) -> None:
    recording = Recording("s-1")
    for number in range(400):
        recording.event(number / 4, f"event-{number:03}", message="rare" if number == 7 else None)
    recording.status(100, "ended", "End").send(store)
    opened(page, "/sessions/s-1?from=10&to=90")
    table = page.locator("#event-table")
    while not table.locator(".event-row", has_text="event-000").count():
        table.evaluate("(it) => it.scrollTo(0, it.scrollHeight)")
        page.wait_for_timeout(50)
    assert table.evaluate("(it) => it.querySelectorAll('.event-row').length") < 401
    page.locator("#events input[type=search]").fill("rare")
    expect(page.locator(".event-row")).to_have_count(1)
    expect(page.locator(".event-row")).to_contain_text("event-007")
    assert span(page) == (10, 90)
    page.locator("#events .chip", has_text="only in the timeline’s view").click()
    expect(page.locator("#events")).to_contain_text("No event is like this.")
