"""The pages over 30,000 sessions: what they count is what was made, what is clicked leads on, and a page stays one."""

import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import large_store
import pytest
from playwright.sync_api import Browser, expect
from support.places import left_out
from support.reading import get
from support.servers import Server
from support.walking import Walk, walking

pytestmark = pytest.mark.xdist_group("pages of 30,000 sessions")

SESSIONS = 30_000
EACH = 9  # records; the sample's sessions are otherwise those of the benchmark
LONGEST = 20_000  # events; enough for a timeline that was folded when they came
CRASHED, PROBED = SESSIONS // 20, SESSIONS // 10
LATELY = 60 * 24  # of those that a minute each lies between; they began in the last day
LARGEST_PAGE = 400_000  # bytes
WIDTHS = (1280, 360)
PLACES = {
    "overview": "/",
    "sessions": "/sessions",
    "sessions found": "/sessions?product=Game+3&status=ended&ever_contains=window_state.open%3Awindow+7",
    "session": f"/sessions/session-{SESSIONS - 13:06}",
    "long session": f"/sessions/{large_store.LONG}",
    "metrics": "/metrics",
    "metrics asked": "/metrics?name=memory_usage&aggregate=peak&ever_contains=window_state.open%3Aspace+probe",
    "problems": "/problems",
    "compare": "/compare?ids=session-000007,session-000008,session-000009",
    "releases": "/releases",
    "releases of one": "/releases?product=Game+1&days=all",
    "settings": "/settings",
}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    kept = tmp_path_factory.mktemp("large")
    records = SESSIONS * EACH + SESSIONS // large_store.ROAMER_EVERY * large_store.POSITIONS + LONGEST
    begin = int(time.time() * 1e6) - SESSIONS * large_store.MICROSECONDS_APART  # the last one a minute ago
    folder, _ = large_store.make(kept / "data", large_store.Size(SESSIONS, records, LONGEST, begin))
    yield folder
    shutil.rmtree(kept)  # it is large


@pytest.fixture(scope="module")
def api(data: Path) -> Iterator[str]:
    # Thousands have not ended and are silent: nobody is to be suspended while the pages are counted.
    running = Server(data, DATACAT_HEARTBEAT_TIMEOUT_SECONDS="86400")
    yield running.url
    running.stop()


@pytest.fixture(scope="module")
def ui(data: Path, api: str) -> Iterator[str]:
    running = Server(data, command="web")
    yield running.url
    running.stop()


@pytest.fixture
def walk(browser: Browser, ui: str) -> Iterator[Walk]:
    with walking(browser, ui) as walk:
        yield walk


def counted(walk: Walk) -> str:
    """How many sessions the list says that there are."""
    return walk.page.locator(".head").inner_text()


def test_every_page_fits_keeps_still_and_is_no_larger_than_a_page(browser: Browser, ui: str, api: str) -> None:
    found = []
    problem = get(f"{api}/api/problems?limit=1")["problems"][0]
    places = {**PLACES, "problem": f"/problems/{problem['id']}"}
    assert left_out(places.values(), but={"/delete"}) == set()
    with walking(browser, ui, width=1280, theme="dark") as walk:
        for name, where in places.items():
            walk.resize(1280)
            walk.go(where)
            assert walk.status == 200, name
            found += [f"{name} moved: {moved}" for moved in walk.shift()]
            size = walk.page.evaluate("performance.getEntriesByType('navigation')[0].decodedBodySize")
            assert size < LARGEST_PAGE, f"{name}: {size:,} bytes"
            walk.keep(f"100000-{name}-1280-dark".replace(" ", "-"))
            for width in WIDTHS:
                walk.resize(width)
                found += [f"{name}, {width}: {wrong}" for wrong in walk.lying()]
    assert found == []


def test_the_list_counts_and_finds_in_all_of_them(walk: Walk, api: str) -> None:
    total = get(f"{api}/api/sessions?limit=1")
    page = walk.go("/sessions")
    assert f"{total['total']:,}{'+' if total['total_is_capped'] else ''}" in counted(walk)
    for line, count in {"crashed": CRASHED, 'ever_contains:window_state.open="space probe"': PROBED}.items():
        page.locator("#search").fill(line)
        with page.expect_navigation():
            page.keyboard.press("Enter")
        assert f"{count:,} found" in counted(walk)
    page.locator("#search").fill("session-027777")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    expect(page.locator("tr.session")).to_have_count(1)
    expect(page.locator("tr.session")).to_have_attribute("data-session", "session-027777")


def test_pages_of_the_list_follow_one_another_without_a_gap_or_a_repeat(walk: Walk, api: str) -> None:
    query = "status=crashed&product=Game+2&sort=-event_count"
    wanted = [one["id"] for one in get(f"{api}/api/sessions?{query}&limit=150")["sessions"]]
    page = walk.go(f"/sessions?{query}")
    seen: list[str] = []
    for _ in range(3):
        seen += page.locator("tr.session").evaluate_all("(rows) => rows.map((row) => row.dataset.session)")
        with page.expect_navigation():
            page.locator("a[rel=next]").click()
    assert len(seen) == 150
    assert seen == wanted
    with page.expect_navigation():
        page.get_by_role("navigation", name="Pages of the list").get_by_role("link").first.click()
    assert page.locator("tr.session").first.get_attribute("data-session") == wanted[0]


def test_the_overview_leads_to_what_crashed_lately_and_that_to_its_problem(walk: Walk, api: str) -> None:
    page = walk.go("/")
    verdict = page.get_by_role("heading", level=1).locator("a[href*='status=crashed']")
    lately = int(re.sub(r"\D", "", verdict.inner_text().split(" of ")[0]))
    assert LATELY // 20 - 2 <= lately <= LATELY // 20 + 2
    verdict.click()
    page.wait_for_url("**/sessions?*status=crashed*")
    assert f"{lately} found" in counted(walk)
    first = page.locator("tr.session").first
    session = get(f"{api}/api/sessions/{first.get_attribute('data-session')}")
    with page.expect_navigation():
        first.locator("a.row").click()
    expect(page.locator("#verdict .sentence")).to_contain_text("n exception")
    expect(page.locator(".event-row")).to_have_count(session["event_count"])
    with page.expect_navigation():
        page.locator("#verdict a[href^='/problems/']").first.click()
    problem = get(f"{api}/api/problems/{page.url.rsplit('/', 1)[1]}")
    expect(page.get_by_role("heading", level=1)).to_contain_text(problem["title"])
    expect(page.locator("main")).to_contain_text(f"{problem['sessions']:,} session")


def test_the_question_of_the_space_probe_is_answered_over_all_and_leads_to_its_sessions(walk: Walk, api: str) -> None:
    """Peak memory of the sessions that had the space probe open, out of their list: what was asked stays asked."""
    query = "name=memory_usage&aggregate=peak&ever_contains=window_state.open:space+probe"
    answer = get(f"{api}/api/metrics?{query}")["summary"]
    page = walk.go(PLACES["metrics asked"])
    expect(page.locator("main")).to_contain_text(f"{PROBED:,} sessions")
    assert answer["count"] == PROBED
    expect(page.locator(".sentence")).to_contain_text(re.compile(f"{answer['median']:,.0f}"))
    with page.expect_navigation():
        page.locator("main a[href^='/sessions?'][href*='ever_contains']").first.click()
    assert f"{PROBED:,} found" in counted(walk)


def test_problems_and_releases_count_all_of_them(walk: Walk, api: str) -> None:
    page = walk.go("/problems?sort=-sessions")
    problems = get(f"{api}/api/problems?sort=-sessions&limit=200")["problems"]
    assert sum(one["sessions"] for one in problems) == CRASHED
    expect(page.locator("main a.row").first).to_contain_text(problems[0]["title"])
    expect(page.locator("main")).to_contain_text(f"{problems[0]['sessions']:,} session")
    page = walk.go(PLACES["releases of one"])
    for release in get(f"{api}/api/releases?product=Game+1&limit=200")["releases"]:
        first = page.locator(
            ":is(td, th):first-child", has_text=re.compile(rf"^\s*{re.escape(release['version'])}(?![.\d])")
        )
        row = page.locator("main tr").filter(has=first)
        expect(row.first).to_contain_text(f"{release['sessions']:,}")


def test_the_long_session_shows_a_page_of_its_events_and_all_of_them_on_its_axis(walk: Walk) -> None:
    page = walk.go(PLACES["long session"])
    expect(page.locator(".facts")).to_contain_text(f"{LONGEST:,} events")
    assert page.locator(".event-row").count() <= 300
    page = walk.go(f"{PLACES['long session']}?from=0&to=400")  # it began months ago, and all came in 200 s
    page.locator("#lanes").focus()
    counts = page.locator("#timeline-counts")
    expect(counts).to_contain_text(f"{LONGEST:,} events")
    page.keyboard.press("ArrowRight")
    expect(counts).not_to_contain_text(f"{LONGEST:,} events")
    shown: Any = re.search(r"([\d,]+) events", counts.inner_text())
    assert 0 < int(shown[1].replace(",", "")) < LONGEST
