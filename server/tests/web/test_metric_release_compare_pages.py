"""Metrics over sessions, releases and comparisons as pages and as JSON."""

import re
from collections.abc import Callable
from typing import Any

from datacat_server.store.sqlite import SqliteStore
from litestar.testing import TestClient
from playwright.sync_api import Browser
from support.recordings import Recording, played, segfault


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


def test_releases_show_lines_and_the_numbers_behind_them(pages: TestClient, store: SqliteStore) -> None:
    for number in range(3):
        Recording(f"a-{number}", version="1.0").status(1, "ended", "End").send(store)
    segfault(Recording("a-3", version="1.0"), 1).send(store)
    Recording("b-1", version="2.0").event(1, "x").send(store)
    html = pages.get("/releases?product=MyGame").text
    assert all(title in html for title in ("Adoption", "Crash-free", "Hang-free"))
    assert re.search(r"1\.0 4 0 75 % 100 % 1", re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html)))
    assert re.search(r"4 80 % 75 % 100 %", re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html)))
    assert pages.get("/releases.json?product=MyGame").json()["releases"][0]["product"] == "MyGame"
    assert pages.get("/releases?sort=colour").status_code == 400
    assert "No release of this product" in pages.get("/releases?product=none").text


def test_compared_sessions_show_what_differs_first_and_fold_the_rest(pages: TestClient, store: SqliteStore) -> None:
    segfault(played(Recording("s-1"), 50), 51).send(store)
    played(Recording("s-2", version="1.5"), 30).send(store)
    html = pages.get("/compare?ids=s-1,s-2").text
    assert html == pages.get("/compare?ids=s-1&ids=s-2").text or "2 sessions compared" in html
    state = html[html.index(">State ") : html.index(">Metrics ")]
    assert "&#34;1.5&#34;" in state.partition("<details")[0]
    assert "<details" in state
    found = pages.get("/compare.json?ids=s-1,s-2").json()
    assert [one["id"] for one in found["sessions"]] == ["s-1", "s-2"]
    assert pages.get("/compare?ids=s-1").status_code == 400
    assert pages.get("/compare?ids=s-1,none").status_code == 404
