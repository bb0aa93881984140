"""Sessions under one another, as a page and as JSON."""

import re
from collections.abc import Iterator

import pytest
from datacat_server.store.comparison import MetricRow, SeriesStatistics
from datacat_server.store.sqlite import SqliteStore
from datacat_server.web.compare import overlays
from datacat_server.web.compare.asked import Asked
from litestar.testing import TestClient
from playwright.sync_api import Browser, Page, expect
from support.recordings import Recording, played, segfault

from .conftest import careful_page


def words(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", html))


@pytest.fixture
def two(store: SqliteStore) -> SqliteStore:
    segfault(played(Recording("s-1"), 50), 51).send(store)
    played(Recording("s-2", version="1.5"), 30).send(store)
    return store


def test_compared_sessions_show_what_differs_first_and_fold_the_rest(pages: TestClient, two: SqliteStore) -> None:
    html = pages.get("/compare?ids=s-1,s-2").text
    assert "2 sessions compared" in html
    assert "A crashed after" in words(html)
    state = html[html.index('id="part-state"') : html.index('id="part-metrics"')]
    assert "&#34;1.5&#34;" in state.partition("<details")[0]
    assert re.search(r"\d+ the same in all", words(state.partition("<details")[2]))
    found = pages.get("/compare.json?ids=s-1,s-2").json()
    assert [one["id"] for one in found["sessions"]] == ["s-1", "s-2"]
    assert found["missing"] == []


def test_sessions_that_are_not_there_are_said_and_the_others_compared(pages: TestClient, two: SqliteStore) -> None:
    html = pages.get("/compare?ids=s-1,none,s-2").text
    assert "2 sessions compared" in html
    assert "One session is not there, perhaps deleted: none" in words(html)
    assert pages.get("/compare.json?ids=s-1,none,s-2").json()["missing"] == ["none"]
    alone = pages.get("/compare?ids=s-1,none")
    assert alone.status_code == 200
    assert "with which other one?" in words(alone.text)
    assert 'href="/compare?ids=s-1&amp;ids=s-2"' in alone.text
    assert pages.get("/compare.json?ids=s-1,none").status_code == 404
    assert pages.get("/compare.json?ids=s-1").status_code == 400


def test_no_session_at_all_offers_the_newest_to_begin_with(pages: TestClient, two: SqliteStore) -> None:
    text = pages.get("/compare").text
    assert "Choose two to 8 sessions" in words(text)
    assert 'href="/compare?ids=s-2"' in text


def test_more_than_eight_sessions_are_cut_and_said_to_be(pages: TestClient, store: SqliteStore) -> None:
    for number in range(10):
        Recording(f"s-{number}").event(1, "x").send(store)
    text = words(pages.get(f"/compare?ids={','.join(f's-{number}' for number in range(10))}").text)
    assert "8 sessions compared" in text
    assert "these are the first of 10" in text
    assert "take one away to add another" in text


def test_what_all_that_crashed_have_and_no_other_is_in_the_verdict(pages: TestClient, store: SqliteStore) -> None:
    for number in range(4):
        recording = Recording(f"s-{number}").state(1, level=7 if number < 2 else number, mode="day")
        (segfault(recording, 2) if number < 2 else recording.status(2, "ended", "End")).send(store)
    text = words(pages.get("/compare?ids=s-0,s-1,s-2,s-3").text)
    assert "Those that went wrong have in common, and no other has: level = 7." in text
    assert "A and B crashed" in text


def test_a_session_is_found_added_put_first_and_taken_away(pages: TestClient, two: SqliteStore) -> None:
    played(Recording("s-3", product="Editor"), 5).send(two)
    added = pages.get("/compare?ids=s-1&ids=s-2&search=s-3", follow_redirects=False)
    assert added.headers["location"] == "/compare?ids=s-1&ids=s-2&ids=s-3", "an id is added at once"
    found = pages.get("/compare?ids=s-1&ids=s-2&search=product:Editor").text
    assert 'href="/compare?ids=s-1&amp;ids=s-2&amp;ids=s-3"' in found
    assert "No other session like that" in pages.get("/compare?ids=s-1&ids=s-2&search=product:none").text
    assert "expected path=value" in pages.get("/compare?ids=s-1&ids=s-2&search=ever:x").text
    html = pages.get("/compare?ids=s-1&ids=s-2&ids=s-3").text
    assert 'href="/compare?ids=s-3&amp;ids=s-1&amp;ids=s-2"' in html, "the third may be put first"
    assert 'href="/compare?ids=s-1&amp;ids=s-3"' in html, "the second may go"


def test_means_within_five_percent_are_folded_as_nearly_the_same(pages: TestClient, store: SqliteStore) -> None:
    for name, fps, memory in (("s-1", 60.0, 100.0), ("s-2", 59.0, 250.0)):
        Recording(name).metric(1, "fps", "gauge", value=fps).metric(2, "memory", "gauge", value=memory).send(store)
    html = pages.get("/compare?ids=s-1,s-2").text
    metrics = html[
        html.index('id="part-metrics"') : html.index('id="part-events"') if 'id="part-events"' in html else None
    ]
    differing, _, same = metrics.partition("<details")
    assert "memory" in differing
    assert "×2.5" in differing
    assert "fps" not in differing
    assert "fps" in same


def test_counters_are_compared_by_their_totals(pages: TestClient, store: SqliteStore) -> None:
    for name, times in (("s-1", 2), ("s-2", 6)):
        recording = Recording(name)
        for moment in range(times):
            recording.metric(moment, "shots", "counter", delta=5)
        recording.metric(1, "fps", "gauge", value=times).send(store)
    html = pages.get("/compare?ids=s-1,s-2").text
    metrics = html[html.index('id="part-metrics"') :]
    shots = words(metrics[metrics.index("<bdi>shots") :].partition("</tr>")[0])
    assert re.search(r"10 +30 ×3", shots), shots
    assert "–" not in shots, "a total has no least and greatest"


def test_those_of_the_same_version_that_ended_well_are_offered_first(pages: TestClient, store: SqliteStore) -> None:
    segfault(Recording("s-1").event(1, "x"), 2).send(store)
    Recording("well").event(1, "x").status(2, "ended", "End").send(store)
    for number in range(3):
        Recording(f"newer-{number}", version="2").event(1, "x").send(store)
    html = pages.get("/compare?ids=s-1").text
    assert html.index("ids=well") < html.index("ids=newer-0")


def test_without_a_choice_a_few_metrics_are_drawn_and_the_memory_is_among_them() -> None:
    varying = SeriesStatistics(count=9, mean=2, minimum=1, maximum=3, last=2)

    def row(name: str, *, vital: bool = False, kind: str = "gauge") -> MetricRow:
        return MetricRow(name=name, type=kind, tags=[], unit=None, vital=vital, differs=True, values=[varying] * 2)

    memory = row("process_resident_memory_bytes", vital=True)
    rows = [*(row(f"m{number}") for number in range(5)), row("shots", kind="counter"), memory]
    drawn = [one.name for one in overlays.chosen(rows, Asked(("a", "b")))]
    assert drawn == ["m0", "m1", "process_resident_memory_bytes"]
    named = overlays.chosen(rows, Asked(("a", "b"), metrics=("shots",)))
    assert [one.name for one in named] == ["shots"]


@pytest.fixture
def page(browser: Browser, address: str, store: SqliteStore) -> Iterator[Page]:
    segfault(played(Recording("s-1"), 50), 51).send(store)
    hung = (
        played(Recording("s-2", version="1.5"), 200)
        .status(100, "hung", "No heartbeat")
        .status(120, "recovered", "Back")
    )
    hung.status(201, "ended", "End").send(store)
    with careful_page(browser, address, height=900) as page:
        yield page


def test_lives_lie_on_one_axis_from_the_start_of_each_with_hangs_and_crashes(page: Page) -> None:
    page.goto("/compare?ids=s-1,s-2")
    lives = page.locator(".lived .status")
    expect(lives).to_have_count(2)
    first, second = (page.locator(".status rect.active").first, page.locator(".lived").nth(1).locator("rect.hung"))
    assert 0.2 < first.bounding_box()["width"] / lives.first.bounding_box()["width"] < 0.3, "51 s of 201 s"
    assert 0.08 < second.bounding_box()["width"] / lives.first.bounding_box()["width"] < 0.12, "20 s of 201 s"
    expect(page.locator(".crash")).to_have_count(1)
    page.get_by_role("link", name="to the end of A").click()
    expect(page.get_by_role("link", name="to the end of A")).to_have_attribute("aria-current", "true")
    assert first.bounding_box()["width"] / lives.first.bounding_box()["width"] > 0.9
    page.wait_for_url("**until=*")


def test_metrics_are_chosen_and_read_off_at_one_instant_of_all_sessions(page: Page) -> None:
    page.goto("/compare?ids=s-1,s-2")
    names = page.locator(".overlay h3").all_inner_texts()
    assert names
    page.locator(".drawn summary").click()
    chosen = page.locator(".drawn [aria-current]")
    expect(chosen).to_have_count(len(names))
    chosen.first.click()
    expect(page.locator(".overlay")).to_have_count(len(names) - 1)
    page.go_back()
    expect(page.locator(".overlay")).to_have_count(len(names))
    box = page.locator(".overlay .life").first.bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.1, box["y"] + box["height"] / 2)
    expect(page.locator(".overlay .reading").first).to_have_text(re.compile(r"^A \S+.* · B \S+"))
    expect(page.locator(".lives .cursor")).to_be_visible()
    page.mouse.move(5, 5)
    expect(page.locator(".lives .cursor")).to_be_hidden()


def test_a_session_that_goes_while_it_is_compared_is_said_to_be_missing(page: Page, store: SqliteStore) -> None:
    page.goto("/compare?ids=s-1,s-2")
    expect(page.locator("#connection")).to_have_text("live")
    store.delete("s-2")
    expect(page.locator(".missing")).to_contain_text("One session is not there")
