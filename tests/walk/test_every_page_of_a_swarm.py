"""Every page over what the demo's swarm has sent: it fits, it keeps still, and nothing goes wrong in it.

At three widths, dark and light; a screenshot of each page in each theme is kept.
"""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser, expect
from support import demo as swarm
from support.places import left_out
from support.reading import get
from support.servers import Server
from support.walking import Walk, walking

pytestmark = pytest.mark.xdist_group(swarm.GROUP)

# Of each page: the address, the status, and what it is headed by.
Places = dict[str, tuple[str, int, str]]


@pytest.fixture(scope="module")
def places(demo: dict[str, Any], night_watch: str) -> Places:
    ids = {game["instance"]: game["session_id"] for game in demo["instances"]}
    problems = {one["kind"]: one for one in get(f"{demo['api']}/api/problems")["problems"]}
    asked = urlencode({"name": "fps", "aggregate": "average", "status": "ended"})
    there: Places = {
        "overview": ("/", 200, ""),
        "sessions": ("/sessions", 200, "Sessions"),
        "sessions found": ("/sessions?product=Comet+Bow&status=crashed&sort=-event_count", 200, "Sessions"),
        "sessions none": ("/sessions?product=Comet&status=suspended", 200, "Sessions"),
        "session crashed": (f"/sessions/{ids[3]}", 200, "Comet Bow"),
        "session exception": (f"/sessions/{ids[2]}", 200, "Comet Bow"),
        "session hung": (f"/sessions/{ids[6]}", 200, "Comet Bow"),
        "session recovered": (f"/sessions/{ids[5]}", 200, "Comet Bow"),
        "session ended": (f"/sessions/{ids[1]}", 200, "Comet Bow"),
        "session active": (f"/sessions/{night_watch}", 200, "Night Watch"),
        "metrics": ("/metrics", 200, ""),
        "metrics asked": (f"/metrics?{asked}", 200, ""),
        "metrics none": ("/metrics?name=no+such+metric", 200, ""),
        "problems": ("/problems", 200, ""),
        "problem crash": (f"/problems/{problems['crash']['id']}", 200, problems["crash"]["title"]),
        "problem hang": (f"/problems/{problems['hang']['id']}", 200, problems["hang"]["title"]),
        "compare": (f"/compare?ids={ids[1]},{ids[2]},{ids[6]}", 200, ""),
        "releases": ("/releases", 200, "Releases"),
        "settings": ("/settings", 200, "Settings"),
        "missing page": ("/nowhere", 404, ""),
        "missing session": ("/sessions/none", 404, ""),
        "missing problem": ("/problems/none", 404, ""),
        "delete": (f"/delete?ids={ids[1]}", 200, "Delete 1 session?"),
    }
    assert left_out(where for where, _, _ in there.values()) == set()
    return there


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of pages that ask for a key."""
    folder = tmp_path_factory.mktemp("locked")
    running = Server(folder / "data", command="web", DATACAT_REQUIRE_API_KEY="true", DATACAT_API_KEY="sesame")
    yield running.url
    running.stop()


def look(walk: Walk, name: str, theme: str, widths: tuple[int, ...]) -> list[str]:
    """What is wrong with how the page lies at each of the widths; a screenshot at those of a desk and of a phone."""
    found = []
    for width in widths:
        walk.resize(width)
        found += [f"{name}, {theme}, {width}: {wrong}" for wrong in walk.lying()]
        if width < 2560 or name in WIDE:
            walk.keep(f"{name}-{width}-{theme}".replace(" ", "-"))
    return found


# Not every width in both themes: where parts lie is no matter of their colours.
# The width at which a page is opened is another one in each theme: what moves while it is made is seen at both.
VIEWS = pytest.mark.parametrize(("theme", "widths"), [("dark", (360, 2560)), ("light", (1280,))])
WIDE = ("overview", "sessions", "session crashed", "metrics asked", "problem crash")


@VIEWS
def test_every_page_fits_and_keeps_still(
    browser: Browser, demo: dict[str, Any], places: Places, theme: str, widths: tuple[int, ...]
) -> None:
    found = []
    with walking(browser, demo["ui"], width=widths[0], theme=theme) as walk:
        for name, (where, status, heading) in places.items():
            walk.page.set_viewport_size({"width": widths[0], "height": 900})
            walk.go(where)
            assert walk.status == status, name
            expect(walk.page.get_by_role("heading", level=1)).to_contain_text(heading)
            found += [f"{name}, {theme}, {widths[0]} moved: {moved}" for moved in walk.shift()]
            found += look(walk, name, theme, widths)
    assert found == []


@VIEWS
def test_the_page_that_asks_for_a_key_fits(browser: Browser, locked: str, theme: str, widths: tuple[int, ...]) -> None:
    with walking(browser, locked, width=widths[0], theme=theme) as walk:
        walk.go("/")
        expect(walk.page.get_by_label("API key")).to_be_focused()
        assert walk.shift() == []
        assert look(walk, "sign in", theme, widths) == []


def test_the_page_of_the_api_fits(browser: Browser, demo: dict[str, Any]) -> None:
    with walking(browser, demo["api"], width=1280, theme="light") as walk:
        walk.page.goto("/schema/ui")
        expect(walk.page.get_by_role("heading", name="DataCat")).to_be_visible(timeout=60_000)
        for width in (1280, 360):
            walk.resize(width)
            walk.keep(f"the-page-of-the-api-{width}-light")
            assert walk.page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


def test_a_page_prints_light_without_what_only_a_screen_needs(
    browser: Browser, demo: dict[str, Any], places: Places
) -> None:
    with walking(browser, demo["ui"], theme="dark") as walk:
        for name in ("overview", "sessions", "session crashed", "problem crash", "metrics asked", "releases"):
            walk.go(places[name][0])
            walk.page.emulate_media(media="print")
            paper = walk.page.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)")
            assert min(paper) > 240, f"{name} is printed on {paper}"
            expect(walk.page.locator("header.top .places")).to_be_hidden()
            walk.keep(f"{name}-print".replace(" ", "-"))
            walk.page.emulate_media(media="screen")
