"""One metric over many sessions, as a page and as JSON."""

import re
from collections.abc import Callable
from typing import Any

from litestar.testing import TestClient
from playwright.sync_api import Browser


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


def test_the_space_probe_question_is_answered_from_an_address_and_a_click_in_the_browser(
    address: str, browser: Browser, send: Callable[..., Any]
) -> None:
    probing(send)
    page = browser.new_page()
    try:
        page.goto(f"{address}/metrics?ever_contains=window_state.open:space+probe")
        page.get_by_role("link", name="memory_usage").click()
        page.get_by_text("2 sessions: 300 to 900").wait_for()
        assert "5,000" not in page.inner_text("main")
    finally:
        page.close()


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
    assert pages.get("/metrics.json?name=memory_usage").json()["summary"]["count"] == 3
    assert pages.get("/metrics.json").json()["metrics"][0]["name"] == "memory_usage"
    assert pages.get("/metrics?name=memory_usage&aggregate=most").status_code == 400
    assert "No value" in pages.get("/metrics?name=other").text
