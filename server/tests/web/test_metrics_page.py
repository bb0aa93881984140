"""One metric over many sessions, as a page and as JSON."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from datacat_server.web.metrics import page as page_of_metrics
from datacat_server.web.metrics.suggestions import LISTED
from litestar.testing import TestClient
from playwright.sync_api import Browser, Page, expect

from .conftest import careful_page


def words(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", html))


def probing(send: Callable[..., Any]) -> None:
    for number, (opened, peak) in enumerate([("space probe", 900), ("space probe", 300), ("map", 5000)]):
        send(
            f"s{number}",
            records=[
                {"kind": "state", "state": {"window_state": {"open": [opened]}}},
                {"kind": "state", "state": {"window_state": {"open": []}}},
                {"kind": "metric", "name": "memory_usage", "type": "gauge", "value": peak / 2},
                {"kind": "metric", "name": "memory_usage", "type": "gauge", "value": peak},
            ],
            version=f"1.{number}",
        )


@pytest.fixture
def page(browser: Browser, address: str, send: Callable[..., Any]) -> Iterator[Page]:
    probing(send)
    with careful_page(browser, address, height=800) as page:
        yield page


def test_the_space_probe_question_is_answered_in_three_clicks_from_the_empty_page(page: Page) -> None:
    page.goto("/metrics")
    clicks = 0
    for name in ("memory_usage", "space probe"):
        page.get_by_role("link", name=re.compile(f"^{name}")).click()
        clicks += 1
    expect(page.locator(".told")).to_contain_text("2 sessions: 300 to 900")
    expect(page.locator(".folds [aria-current]")).to_have_text("peak")
    assert "5,000" not in page.inner_text("main")
    assert clicks <= 3
    page.wait_for_url("**/metrics?name=memory_usage&ever_contains=window_state.open%3Aspace+probe")


def test_the_space_probe_question_is_answered_by_the_keyboard_alone(page: Page) -> None:
    page.goto("/metrics")
    page.keyboard.press("j")
    assert page.evaluate("document.activeElement.textContent") == "memory_usage"
    page.keyboard.press("Enter")
    page.wait_for_url("**/metrics?name=memory_usage")
    page.keyboard.press("/")
    page.keyboard.type("ever_c")
    page.get_by_role("option", name="ever_contains:").wait_for()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.get_by_role("option", name="window_state.open").wait_for()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.get_by_role("option", name="space probe").wait_for()
    page.keyboard.type("space")
    expect(page.get_by_role("option")).to_have_count(1)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator("#search")).to_have_value(re.compile("space probe"))
    page.keyboard.press("Enter")
    expect(page.locator(".told")).to_contain_text("2 sessions: 300 to 900")


def test_a_metric_is_found_by_a_part_of_its_name_and_shown_when_it_is_chosen(page: Page) -> None:
    page.goto("/metrics")
    page.locator("#metric").click()
    page.keyboard.type("usage")
    expect(page.get_by_role("option")).to_have_text(["memory_usagegauge"])
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url("**/metrics?name=memory_usage")
    expect(page.locator("h1")).to_have_text("memory_usage")


def test_a_bar_says_what_it_stands_for_and_a_click_shows_its_sessions_alone(
    page: Page, send: Callable[..., Any]
) -> None:
    page.goto("/metrics?name=memory_usage&scale=linear")
    expect(page.locator("#connection")).to_have_text("live")
    bar = page.locator(".bars a").last
    bar.hover()
    said = re.compile(r"5,000 – 5,\d+: 1 session$")
    expect(page.locator(".reading")).to_have_text(said)
    send("s9", records=[{"kind": "metric", "name": "memory_usage", "type": "gauge", "value": 300}], version="1.9")
    expect(page.locator(".told")).to_contain_text("4 sessions")
    expect(page.locator(".reading")).to_have_text(said)  # the pointer is where it was
    bar.click()
    expect(page.locator("#spread")).to_contain_text("1 session of 4")
    expect(page.locator(".edges a.row")).to_have_count(1)
    page.wait_for_url("**least=5000.0*")
    page.get_by_role("link", name="show all").click()
    expect(page.locator(".told")).to_contain_text("4 sessions")


def test_a_metric_is_shown_by_fold_and_version_with_the_sessions_at_its_edges(
    pages: TestClient, send: Callable[..., Any]
) -> None:
    probing(send)
    text = words(pages.get("/metrics?name=memory_usage").text)
    assert "3 sessions: 300 to 5,000" in text
    assert "3 sessions: 150 to 2,500" in words(pages.get("/metrics?name=memory_usage&aggregate=minimum").text)
    assert "6 readings" in words(pages.get("/metrics?name=memory_usage&aggregate=all").text)
    html = pages.get("/metrics?name=memory_usage").text
    assert html.index('href="/sessions/s2"') < html.index('href="/sessions/s1"')
    assert pages.get("/metrics.json?name=memory_usage").json()["box"]["count"] == 3
    assert pages.get("/metrics.json").json()["metrics"][0]["name"] == "memory_usage"
    assert pages.get("/metrics?name=memory_usage&aggregate=most").status_code == 400
    assert "No value" in pages.get("/metrics?name=other").text


def test_an_answer_that_takes_long_comes_after_its_page(
    page: Page, pages: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_of_metrics, "QUICK_READINGS", 2)
    place = "/metrics?name=memory_usage&aggregate=all"
    first = words(pages.get(place).text)
    assert "6 readings" not in first
    assert "Read all of these sessions" in first, "without a script a link leads to it"
    assert "6 readings" in words(pages.get(f"{place}&wait=yes").text)
    assert "6 readings" in words(pages.get(place).text), "what is kept comes at once"
    page.goto(place)
    expect(page.locator("#verdict")).to_contain_text("6 readings")
    expect(page.locator("#answer .bars")).to_be_visible()


def test_more_metrics_than_are_listed_are_counted(pages: TestClient, send: Callable[..., Any]) -> None:
    records = [{"kind": "metric", "name": f"m{i:03}", "type": "gauge", "value": i} for i in range(LISTED + 2)]
    send("s1", records=records)
    assert "2 more; write a part of the name" in words(pages.get("/metrics").text)


def test_values_that_are_near_each_other_are_told_apart(pages: TestClient, send: Callable[..., Any]) -> None:
    for number, size in enumerate((22_913_000, 22_940_000, 22_968_000)):
        metric = {"kind": "metric", "name": "memory", "type": "gauge", "value": size, "unit": "bytes"}
        send(f"s{number}", records=[metric])
    assert "3 sessions: 22.913 MB to 22.968 MB, median 22.940 MB" in words(pages.get("/metrics?name=memory").text)


def test_a_unit_that_does_not_scale_stands_once_in_the_heading(pages: TestClient, send: Callable[..., Any]) -> None:
    for number, rate in enumerate((58.5, 59.7)):
        metric = {"kind": "metric", "name": "fps", "type": "gauge", "value": rate, "unit": "frames/s"}
        send(f"s{number}", records=[metric])
    html = pages.get("/metrics?name=fps").text
    assert "Distribution, frames/s" in words(html)
    assert "frames/s" not in html[html.index('class="measured edges"') :]


@pytest.mark.parametrize("fold", ["peak", "all"])
def test_the_greatest_numbers_that_there_are_have_a_page(
    pages: TestClient, send: Callable[..., Any], fold: str
) -> None:
    for number, value in enumerate((-1.7e308, 1.7e308, 5e-324)):
        records = [{"kind": "metric", "name": "huge", "type": kind, "value": value} for kind in ("gauge", "gauge")]
        send(f"s{number}", records=records, version=f"1.{number}")
    assert "1.7e+308" in pages.get(f"/metrics?name=huge&aggregate={fold}").text
    assert pages.get("/compare?ids=s0,s1,s2&metrics=huge").status_code == 200
