"""What the pages say of the demo's swarm is what the REST API says, and what is clicked leads where it says."""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser, Page, expect
from support import demo as swarm
from support.reading import get
from support.walking import Walk, walking

pytestmark = pytest.mark.xdist_group(swarm.GROUP)

CRASHED, HUNG, RECOVERED, ENDED = 3, 6, 5, 1


@pytest.fixture(scope="module")
def ids(demo: dict[str, Any]) -> dict[int, str]:
    """The sessions by the numbers of the games."""
    return {game["instance"]: game["session_id"] for game in demo["instances"]}


@pytest.fixture
def walk(browser: Browser, demo: dict[str, Any], night_watch: str) -> Iterator[Walk]:
    with walking(browser, demo["ui"]) as walk:
        yield walk


def ask(demo: dict[str, Any], call: str, **parameters: Any) -> Any:
    """What the REST API answers."""
    return get(f"{demo['api']}/api/{call}?{urlencode(parameters)}")


def shown(page: Page) -> list[str]:
    """The sessions of the list, in its order."""
    found: list[str] = page.locator("tr.session").evaluate_all("(rows) => rows.map((row) => row.dataset.session)")
    return found


def test_the_overview_counts_what_hangs_and_crashed_and_leads_there(walk: Walk, demo: dict[str, Any]) -> None:
    page = walk.go("/")
    verdict = page.get_by_role("heading", level=1)
    for status in ("hung", "crashed", "active"):
        count = ask(demo, "sessions", status=status)["total"]
        expect(verdict.locator(f"a[href*='status={status}']")).to_contain_text(str(count))
    for release in ask(demo, "releases")["releases"]:
        row = page.locator("tr", has_text=release["product"]).filter(has_text=release["version"])
        expect(row).to_contain_text(f"{release['crash_free']:.3g} %")
        expect(row).to_contain_text(f"{release['hang_free']:.3g} %")
    for problem in ask(demo, "problems")["problems"]:
        expect(page.locator(f"a[href='/problems/{problem['id']}']").first).to_contain_text(problem["title"])
    verdict.locator("a[href*='status=crashed']").click()
    expect(page.locator("tr.session")).to_have_count(3)
    assert set(shown(page)) == {one["id"] for one in ask(demo, "sessions", status="crashed")["sessions"]}


def test_the_list_is_filtered_by_chips_and_by_the_search_line(walk: Walk, demo: dict[str, Any]) -> None:
    page = walk.go("/sessions")
    assert shown(page) == [one["id"] for one in ask(demo, "sessions")["sessions"]]
    statuses = page.get_by_role("navigation", name="Status")
    for status in ("hung", "ended", "suspended"):
        statuses.get_by_role("link", name=status, exact=True).click()
        page.wait_for_url(f"**/sessions?status={status}")
        assert shown(page) == [one["id"] for one in ask(demo, "sessions", status=status)["sessions"]]
    page.locator("#search").fill('ever_contains:window_state.open="space probe" product:"Comet Bow" ended')
    page.keyboard.press("Enter")
    page.wait_for_url("**/sessions?*ever_contains*")
    asked = {"ever_contains": "window_state.open:space probe", "product": "Comet Bow", "status": "ended"}
    assert shown(page) == [one["id"] for one in ask(demo, "sessions", **asked)["sessions"]] != []
    page.get_by_role("link", name=re.compile("space probe.*remove this filter")).click()
    expect(page.locator("tr.session")).to_have_count(
        ask(demo, "sessions", product="Comet Bow", status="ended")["total"]
    )


@pytest.mark.parametrize(
    ("column", "field"),
    [("events", "event_count"), ("exceptions", "exception_count"), ("lived", None), ("started", "created_at")],
)
def test_the_list_is_sorted_by_its_headers_both_ways(
    walk: Walk, demo: dict[str, Any], column: str, field: str | None
) -> None:
    page = walk.go("/sessions?status=ended" if field is None else "/sessions")
    ways = []
    for _ in range(2):
        header = page.get_by_role("columnheader", name=re.compile(f"^{column}"))
        with page.expect_navigation():
            header.get_by_role("link").click()
        ways.append(header.get_attribute("aria-sort"))
        wanted = {"sort": dict(re.findall(r"[?&](sort)=([^&]+)", page.url)).get("sort", "-created")}
        wanted |= {"status": "ended"} if field is None else {}
        sessions = ask(demo, "sessions", **wanted)["sessions"]
        assert shown(page) == [one["id"] for one in sessions]
        if field:
            values = [one[field] for one in sessions]
            assert values == sorted(values, reverse=ways[-1] == "descending")
    assert set(ways) == {"ascending", "descending"}


def test_marked_sessions_are_compared(walk: Walk, ids: dict[int, str]) -> None:
    page = walk.go("/sessions")
    for number in (CRASHED, HUNG):
        page.locator(f"[id='pick-{ids[number]}']").check()
    page.get_by_role("button", name="Compare").click()
    page.wait_for_url("**/compare?*")
    expect(page.get_by_role("heading", level=1)).to_contain_text("2 sessions")
    for number in (CRASHED, HUNG):
        expect(page.locator(f"main a[href^='/sessions/{ids[number]}']").first).to_be_visible()
    expect(page.locator("main")).to_contain_text('"segfault"')
    expect(page.locator("main")).to_contain_text('"deadlock"')


@pytest.mark.parametrize(
    ("number", "status", "told"),
    [
        (CRASHED, "crashed", "SIGSEGV.*upload_texture"),
        (2, "crashed", "KeyError: 'moonlit shield'"),
        (4, "crashed", "SIGKILL"),
        (HUNG, "hung", "save_game"),
        (RECOVERED, "ended", r"end\(\) was called"),
        (ENDED, "ended", r"end\(\) was called"),
        (7, "ended", "the program finished"),
    ],
)
def test_a_session_says_its_verdict_and_counts_what_the_api_counts(
    walk: Walk, demo: dict[str, Any], ids: dict[int, str], number: int, status: str, told: str
) -> None:
    page = walk.go(f"/sessions/{ids[number]}")
    session = ask(demo, f"sessions/{ids[number]}")
    assert session["status"] == status
    expect(page.locator("#verdict")).to_have_attribute("data-status", status)
    expect(page.locator("#verdict .sentence")).to_contain_text(re.compile(told, re.I))
    facts = page.locator(".facts").inner_text()
    assert f"{session['event_count']:,} event" in facts
    assert f"{session['exception_count']} exception" in facts
    if status != "hung":  # what still runs goes on to be measured
        assert f"{session['metric_count']:,} metric reading" in facts
    for name in {metric["name"] for metric in session["metrics"]}:
        expect(page.locator(f"article[data-metric='{name}']").first).to_be_attached()
    assert page.locator("#state").inner_text().count(session["state"]["fate"]) == 1


def test_an_active_session_is_shown_as_one(walk: Walk, night_watch: str) -> None:
    page = walk.go(f"/sessions/{night_watch}")
    expect(page.locator("#verdict")).to_have_attribute("data-status", "active")
    expect(page.locator("#state h2")).to_contain_text("now")
    expect(page.locator("#state")).to_contain_text("patrol")
    expect(page.locator(".facts")).to_contain_text("running")


def test_events_of_a_session_are_found_by_text_and_level_and_open_with_their_data(
    walk: Walk, demo: dict[str, Any], ids: dict[int, str]
) -> None:
    events = ask(demo, f"sessions/{ids[2]}/events", limit=1000)["events"]
    page = walk.go(f"/sessions/{ids[2]}")
    search = page.get_by_role("searchbox", name="search in events")
    search.fill("wraith")
    search.press("Enter")
    wanted = [one for one in events if "wraith" in str(one)]
    page.wait_for_url("**q=wraith**")
    expect(page.locator(".event-row")).to_have_count(len(wanted))
    row = page.locator(".event-row").first
    row.locator("> summary").click()
    expect(row.locator("pre.data")).to_contain_text('"enemy": "ink wraith"')
    for level in ("error", "debug"):
        page.goto(f"/sessions/{ids[2]}?level={level}")
        expect(page.locator(f".event-row:not([data-level='{level}'])")).to_have_count(0)
        expect(page.locator(".event-row").first).to_be_attached()
    page.goto(f"/sessions/{ids[2]}?level=exception")
    page.locator(".event-row").first.locator("> summary").click()
    expect(page.locator(".event-row .traceback").first).to_contain_text("return inventory[item]")


def test_the_timeline_zooms_pans_and_steps_by_the_keyboard(walk: Walk, ids: dict[int, str]) -> None:
    page = walk.go(f"/sessions/{ids[ENDED]}")
    page.locator("#lanes").focus()
    whole = page.locator("#timeline-span").inner_text()
    page.keyboard.press("+")
    page.wait_for_url(re.compile(r"from=[\d.]+&to=[\d.]+"))
    expect(page.locator("#timeline-span")).not_to_have_text(whole)
    zoomed = page.url
    page.keyboard.press("ArrowRight")
    page.wait_for_url(lambda url: url != zoomed)
    page.keyboard.press("Home")
    expect(page.locator("#timeline-span")).to_have_text(whole)
    page.wait_for_url(re.compile(f"{ids[ENDED]}$"))
    state = page.locator("#state h2")
    page.keyboard.press("p")
    expect(state).to_contain_text("State at")
    last_but_one = state.inner_text()
    page.keyboard.press("p")
    expect(state).not_to_have_text(last_but_one)
    page.keyboard.press("n")
    expect(state).to_have_text(last_but_one)
    page.locator("#lanes").focus()
    page.keyboard.press("Escape")
    expect(state).to_contain_text("Last state")


RESTS = """() => {
    const now = location.href + document.getElementById("timeline-span").textContent;
    if (window.seen !== now) [window.seen, window.since] = [now, performance.now()];
    return performance.now() - window.since > 1000;
}"""


def test_a_view_that_was_sent_to_a_colleague_shows_the_same(
    browser: Browser, walk: Walk, demo: dict[str, Any], ids: dict[int, str]
) -> None:
    page = walk.go(f"/sessions/{ids[ENDED]}")
    page.locator("#lanes").focus()
    page.keyboard.press("+")
    page.wait_for_url(re.compile("from="))
    page.keyboard.press("p")
    expect(page.locator("#state h2")).to_contain_text("State at")
    page.wait_for_function(RESTS)  # the view may have moved to what was found, and the address follows it
    with walking(browser, demo["ui"]) as other:
        there = other.go(page.url)
        for part in ("#timeline-span", "#state"):
            expect(there.locator(part)).to_have_text(page.locator(part).inner_text(), use_inner_text=True)


def test_a_metric_is_asked_for_and_answered_as_the_api_does(walk: Walk, demo: dict[str, Any]) -> None:
    page = walk.go("/metrics")
    for metric in ask(demo, "metrics/names")["metrics"]:
        if metric["vital"]:
            continue  # what DataCat measures by itself stands behind what the application does
        expect(page.locator("main a", has_text=re.compile(f"^{metric['name']}$")).first).to_be_attached()
    page.locator("main a", has_text=re.compile("^fps$")).first.click()
    page.wait_for_url("**name=fps**")
    for fold in ("average", "minimum", "peak", "all"):
        page.goto(f"/metrics?name=fps&aggregate={fold}")
        summary = ask(demo, "metrics", name="fps", aggregate=fold)["summary"]
        said = page.locator(".sentence").inner_text()
        assert f"{summary['count']:,} {'reading' if fold == 'all' else 'session'}" in said
        assert f"{summary['maximum']:.4g}" in said
    page.goto(f"/metrics?{urlencode({'name': 'fps', 'aggregate': 'peak', 'status': 'crashed'})}")
    expect(page.locator(".sentence")).to_contain_text("3 sessions")
    crashed = {one["id"] for one in ask(demo, "sessions", status="crashed")["sessions"]}
    edges = page.locator("main a[href^='/sessions/']").evaluate_all("(all) => all.map((one) => one.pathname.slice(10))")
    assert set(edges) == crashed


def test_problems_are_listed_found_and_opened_with_their_stack_and_sessions(
    walk: Walk, demo: dict[str, Any], ids: dict[int, str]
) -> None:
    page = walk.go("/problems")
    for problem in ask(demo, "problems")["problems"]:
        expect(page.locator(f"main a[href='/problems/{problem['id']}']")).to_contain_text(problem["title"])
    page.goto("/problems?kind=hang")
    expect(page.locator("main a.row")).to_have_count(len(ask(demo, "problems", kind="hang")["problems"]))
    page.goto("/problems?q=KeyError")
    page.locator("main a.row", has_text="KeyError in equip").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("KeyError in equip")
    expect(page.locator("main")).to_contain_text("return inventory[item]")
    page.locator(f"main a[href^='/sessions/{ids[2]}']").first.click()
    page.wait_for_url(f"**/sessions/{ids[2]}*")
    page.locator("#verdict a[href^='/problems/']").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("KeyError in equip")


def test_a_problem_is_resolved_and_opened_again(walk: Walk, demo: dict[str, Any]) -> None:
    problem = next(one for one in ask(demo, "problems")["problems"] if "SIGKILL" in one["title"])
    page = walk.go(f"/problems/{problem['id']}")
    page.get_by_role("button", name="Resolve", exact=True).click()
    expect(page.locator("main")).to_contain_text(re.compile("resolved", re.I))
    assert ask(demo, f"problems/{problem['id']}")["status"] == "resolved"
    page.get_by_role("button", name="Reopen").click()
    expect(page.get_by_role("button", name="Resolve", exact=True)).to_be_visible()
    assert ask(demo, f"problems/{problem['id']}")["status"] == "open"


def test_releases_say_what_the_api_says_and_lead_to_their_sessions(walk: Walk, demo: dict[str, Any]) -> None:
    page = walk.go("/releases")
    for release in ask(demo, "releases")["releases"]:
        row = page.locator("tr", has_text=release["product"]).filter(has_text=release["version"])
        for field in ("crash_free", "hang_free"):
            free = round(
                release[field] / 100 * release["sessions"]
            )  # of few sessions it is told how many, not how much
            told = re.compile(f"{release[field]:.3g} %|{free} of {release['sessions']}")
            expect(row.first).to_contain_text(told)
    page.locator("main a[href^='/sessions?'][href*='Comet']").first.click()
    page.wait_for_url("**/sessions?*product=Comet*")
    expect(page.locator("tr.session")).to_have_count(ask(demo, "sessions", product="Comet Bow")["total"])


def test_settings_say_how_many_sessions_there_are_and_which_version_it_is(walk: Walk, demo: dict[str, Any]) -> None:
    page = walk.go("/settings")
    expect(page.locator("main")).to_contain_text(get(f"{demo['api']}/health")["version"])
    for status in ("crashed", "hung"):
        count = ask(demo, "sessions", status=status)["total"]
        expect(page.locator(f"main a[href='/sessions?status={status}']")).to_contain_text(f"{count} {status}")
    expect(page.locator("main")).to_contain_text("365 days")


def test_every_page_is_there_as_json_too(walk: Walk, ids: dict[int, str], demo: dict[str, Any]) -> None:
    problem = ask(demo, "problems")["problems"][0]["id"]
    two = f"{ids[1]},{ids[2]}"
    for where in (
        "/", "/sessions", f"/sessions/{ids[1]}", "/metrics", "/metrics?name=fps", "/problems", f"/problems/{problem}",
        f"/compare?ids={two}", "/releases", "/settings",
    ):  # fmt: skip
        answer = walk.page.request.get(where, headers={"Accept": "application/json"})
        assert answer.status == 200, where
        assert isinstance(answer.json(), dict), where


@pytest.mark.parametrize("where", ["/nowhere", "/sessions/none", "/problems/none", "/compare?ids=none,nobody"])
def test_what_is_not_there_is_said_with_a_way_on(walk: Walk, where: str) -> None:
    page = walk.go(where)
    # A comparison of nothing is one that sessions can be added to.
    assert walk.status == (200 if "compare" in where else 404)
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    page.locator("main a").first.click()
    page.wait_for_url(lambda url: not url.endswith(where))
    expect(page.locator("main")).to_be_visible()


def test_every_page_can_be_read_with_scripts_blocked(
    browser: Browser, demo: dict[str, Any], ids: dict[int, str], night_watch: str
) -> None:
    problem = next(one for one in ask(demo, "problems")["problems"] if one["kind"] == "crash")
    with walking(browser, demo["ui"], java_script_enabled=False) as walk:
        page = walk.page
        for where, words in {
            "/": ["Comet Bow", problem["title"]],
            "/sessions": ["Comet Bow", "Night Watch", "SIGSEGV"],
            f"/sessions/{ids[CRASHED]}": ["SIGSEGV", "upload_texture", "Glass Orchard", "fps"],
            f"/sessions/{night_watch}": ["patrol", "wind"],
            "/metrics": ["fps", "frame_time"],
            "/metrics?name=fps&aggregate=average": ["median"],
            "/problems": [problem["title"]],
            f"/problems/{problem['id']}": [problem["title"]],
            f"/compare?ids={ids[1]},{ids[2]}": ["fate", "score"],
            "/releases": ["Comet Bow", "1.4.2"],
            "/settings": ["365 days"],
        }.items():
            page.goto(where)
            for word in words:
                expect(page.locator("main")).to_contain_text(word)
            expect(page.locator("#lost")).to_be_hidden()
        page.goto("/")
        page.get_by_role("link", name="Sessions", exact=True).click()
        page.locator("#search").fill("crashed")
        page.locator("#search").press("Enter")
        expect(page.locator("tr.session")).to_have_count(3)


def test_the_keyboard_leads_to_every_page_and_says_how(walk: Walk) -> None:
    page = walk.go("/")
    page.keyboard.press("?")
    keys = page.locator("#keys")
    expect(keys).to_be_visible()
    listed = dict(re.findall(r"g\s+(\w)\s+(\w+)", keys.inner_text()))
    assert set(listed.values()) == {"Overview", "Sessions", "Problems", "Metrics", "Releases", "Settings"}
    page.keyboard.press("Escape")
    for letter, name in listed.items():
        page.keyboard.press("g")
        page.keyboard.press(letter)
        expect(page.locator("header [aria-current='page']")).to_have_attribute("data-key", letter)
        walk.settle()
        assert name in (page.locator("header [aria-current='page']").get_attribute("aria-label") or name)


@pytest.mark.parametrize("where", ["/", "/sessions", "/problems"])
def test_j_k_and_enter_open_a_row_of_each_list(walk: Walk, where: str) -> None:
    page = walk.go(where)
    links = page.locator("main a.row").evaluate_all("(all) => all.map((one) => one.getAttribute('href'))")
    focused = "document.activeElement.matches('main a.row') && document.activeElement.getAttribute('href')"
    page.keyboard.press("j")
    page.keyboard.press("j")
    assert page.evaluate(focused) == links[1]
    page.keyboard.press("k")
    assert page.evaluate(focused) == links[0]
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: url.endswith(links[0]))
    walk.settle()
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox").or_(page.get_by_role("combobox")).and_(page.locator(":focus"))).to_be_visible()
