"""axe-core finds nothing wrong with any page, dark or light, on a desk or on a phone."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from datacat_server.store.sqlite import SqliteStore
from playwright.sync_api import Browser, Page
from support.places import left_out
from support.recordings import Recording, exception, played, segfault

AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"
PLACES = {
    "overview": "/",
    "sessions": "/sessions?product=MyGame&sort=-event_count",
    "sessions none": "/sessions?status=suspended",
    "sessions wrong": "/sessions?search=ever:x",
    "delete": "/delete?ids=s-1",
    "session": "/sessions/s-1",
    "settings": "/settings",
    "missing": "/nowhere",
    "problems": "/problems",
    "problem": "/problems/{problem}",
    "metrics": "/metrics",
    "metrics asked": "/metrics?name=fps",
    "releases": "/releases",
    "compare": "/compare?ids=s-1&ids=s-2",
}
ASK = """async () => (await axe.run(document, {resultTypes: ['violations']})).violations.map(
    (one) => `${one.id}: ${one.help}: ${one.nodes.slice(0, 4).map((node) => node.target.join(' ')).join(', ')}`)"""
# What a page is made of is the same in both themes.
COLOURS = "runOnly: {type: 'rule', values: ['color-contrast', 'link-in-text-block']}"
ASK_OF_COLOURS = ASK.replace("document, {", f"document, {{{COLOURS}, ")


@pytest.fixture(scope="module")
def axe() -> str:
    if not AXE.is_file():
        pytest.fail("axe-core is not here; scripts/web-packages fetches it, with npm")
    return AXE.read_text(encoding="utf-8")


@pytest.fixture
def filled(store: SqliteStore) -> SqliteStore:
    segfault(exception(played(Recording("s-1"), 100), 101), 102).send(store)
    played(Recording("s-2", version="1.5"), 50).status(60, "hung", "No heartbeat for 30 s").send(store)
    played(Recording("s-3"), 50).send(store)
    Recording("s-4").status(1, "hung", "Silent").status(2, "recovered", "Back").status(3, "ended", "End").send(store)
    return store


@pytest.fixture
def page(browser: Browser, address: str, filled: SqliteStore) -> Iterator[Page]:
    context = browser.new_context(base_url=address)
    yield context.new_page()
    context.close()


@pytest.fixture
def places(filled: SqliteStore) -> dict[str, str]:
    assert left_out(PLACES.values()) == set()
    [problem, *_] = filled.problems().problems
    return {name: place.replace("{problem}", problem.id) for name, place in PLACES.items()}


@pytest.mark.parametrize("width", [1280, 360])
def test_axe_finds_nothing_wrong_with_any_page(page: Page, axe: str, places: dict[str, str], width: int) -> None:
    found = []
    page.set_viewport_size({"width": width, "height": 900})
    for name, place in places.items():
        page.emulate_media(color_scheme="dark", reduced_motion="reduce")
        page.goto(place)
        page.wait_for_function("document.getElementById('theme')?.hidden === false")
        page.evaluate(axe)
        found += [f"{name}, dark, {width}: {violation}" for violation in page.evaluate(ASK)]
        page.emulate_media(color_scheme="light")
        found += [f"{name}, light, {width}: {violation}" for violation in page.evaluate(ASK_OF_COLOURS)]
    assert found == []


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_axe_finds_nothing_wrong_with_what_opens(page: Page, axe: str, theme: str) -> None:
    page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
    page.goto("/sessions")
    page.locator("#columns summary").click()
    page.locator("#pick-s-1").check()
    page.locator("#search").click()
    page.keyboard.type("stat")
    page.locator(".options li").first.wait_for()
    page.keyboard.press("ArrowDown")
    page.evaluate(axe)
    found = page.evaluate(ASK)
    page.keyboard.press("Escape")
    page.locator("#show-keys").click()
    found += page.evaluate(ASK)
    assert found == []


def test_no_page_is_wider_than_the_screen(page: Page, places: dict[str, str]) -> None:
    for name, place in places.items():
        page.goto(place)
        for width in (2560, 1280, 360):
            page.set_viewport_size({"width": width, "height": 800})
            assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, (name, width)
