"""The site of the documents: it is built without a warning, and read from the disk, without asking any other host."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

ROOT = Path(__file__).parents[2]
AXE = ROOT / "server" / "node_modules" / "axe-core" / "axe.min.js"
pytestmark = pytest.mark.xdist_group("site")  # it is built once


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the site, built as `make docs` does, with what would lead to any proxy or host closed."""
    folder = tmp_path_factory.mktemp("site")
    own = {**os.environ, "NO_MKDOCS_2_WARNING": "1", "https_proxy": "http://127.0.0.1:9", "no_proxy": ""}
    words = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    done = subprocess.run(words, cwd=ROOT, env=own, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 0, done.stdout
    return folder


# The names in tables that go on in the next line, though they have room in one.
BROKEN = """[...document.querySelectorAll("td:first-child > code")].map(
    (one) => one.getClientRects().length > 1 && /^[a-z_]{1,30}$/.test(one.textContent) && one.textContent
).filter(Boolean)"""
OF_EACH_KIND = ("index.html", "quick-start.html", "guides/troubleshooting.html", "reference/rest-api.html")


@pytest.fixture
def page(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A page of a browser. The test fails on an error in it, and on a request to any host. Without script, if told."""
    script = getattr(request, "param", True)
    phone = {"width": 360, "height": 740}
    context = browser.new_context(viewport=phone, color_scheme="dark", java_script_enabled=script)  # type: ignore
    page = context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
    page.on("request", lambda sent: wrong.append(sent.url) if not sent.url.startswith(("file:", "data:")) else None)
    yield page
    context.close()
    assert wrong == []


@pytest.mark.parametrize("page", [False], indirect=True)
def test_every_page_opens_from_the_disk_on_a_phone_and_asks_no_other_host(site: Path, page: Page) -> None:
    """Without the theme's script, which is the same on all of them, and takes longer than all else."""
    files = sorted(site.rglob("*.html"))
    assert len(files) >= len(list((ROOT / "docs").rglob("*.md"))) + 4  # and those made of the program
    for file in files:
        page.goto(file.as_uri())
        wider = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wider <= 0, f"{file.name} is {wider} px wider than the screen"
        # What begins at the root of a host is elsewhere where the site is in a folder of one, or on the disk.
        assert page.locator("[href^='/'], [src^='/']").count() == 0, file.name
        assert page.evaluate(BROKEN) == [], file.name


def test_a_page_of_each_kind_fits_and_asks_no_other_host_by_script_either(site: Path, page: Page) -> None:
    for name in OF_EACH_KIND:
        page.goto((site / name).as_uri())
        expect(page.locator("html.js")).to_have_count(1)  # the theme's script has run
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, name
    page.set_viewport_size({"width": 1280, "height": 900})
    page.goto((site / "reference" / "rest-types.html").as_uri())
    assert page.evaluate(BROKEN) == []


def test_a_picture_leads_to_itself_in_the_theme_that_is_shown(site: Path, page: Page) -> None:
    for name in ("index.html", "guides/web-ui.html", "guides/terminal.html"):
        page.goto((site / name).as_uri())
        shown = [one for one in page.locator("article a:has(> img)").all() if one.is_visible()]
        images = [one for one in page.locator("article img").all() if one.is_visible()]
        assert shown and len(shown) == len(images), name
        for link, image in zip(shown, images, strict=True):
            assert link.get_attribute("href") == image.get_attribute("src")
            assert "-dark." in (link.get_attribute("href") or "")
    page.locator("article a:has(> img):visible").first.click()
    expect(page).to_have_url(re.compile(r"/images/terminal-ls-dark\.svg"))


def test_the_search_finds_a_call_without_a_web_server(site: Path, page: Page) -> None:
    page.set_viewport_size({"width": 1280, "height": 900})
    page.goto((site / "index.html").as_uri())
    search, said = page.locator("input.md-search__input"), page.locator(".md-search-result__meta")
    search.focus()  # before that no index is read
    expect(said).not_to_have_text("Initializing search", timeout=60_000)  # what is typed before is not looked for
    # Keys, as a reader's: the page looks for what stands there at a key or a focus, not at a change of the text.
    search.press_sequentially("pause_heartbeat_monitoring")
    expect(page.locator(".md-search-result__item").first).to_be_visible(timeout=60_000)  # the index is large


def test_an_option_stands_in_one_line_with_what_it_takes(site: Path) -> None:
    guide = (site / "guides" / "terminal.html").read_text(encoding="utf-8")
    for option in ("--url", "--page 2", "--sort -duration"):
        assert f'<code class="option">{option}</code>' in guide


def test_the_reference_names_every_call_and_command(site: Path) -> None:
    import datacat
    from datacat_server.cli.groups import COMMANDS

    commands = (site / "reference" / "command-line.html").read_text(encoding="utf-8")
    assert all(f">datacat {name}<" in commands for name in COMMANDS)
    python = (site / "reference" / "python.html").read_text(encoding="utf-8")
    calls = [name for name in vars(datacat.Session) if not name.startswith("_")]
    assert [name for name in calls if f'id="datacat.Session.{name}"' not in python] == []
    more = (datacat.AsyncSession, datacat.DatacatClient)
    own = [f"{one.__name__}.{name}" for one in more for name in vars(one) if name[0] != "_"]
    inner = {"DatacatClient.post", "DatacatClient.request"}
    assert {name for name in own if f'id="datacat.{name}"' not in python} <= inner
    rest = (site / "reference" / "rest-api.html").read_text(encoding="utf-8")
    assert re.search(r"<h3[^>]*>GET /api/sessions/\{session_id\}/state<", rest)


@pytest.mark.skipif(not AXE.is_file(), reason="there is no axe here: npm fetches it")
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_pages_can_be_used_by_everybody(site: Path, browser: Browser, theme: str) -> None:
    shade: object = theme
    context = browser.new_context(viewport={"width": 1280, "height": 900}, color_scheme=shade)  # type: ignore[arg-type]
    page = context.new_page()
    for name in ("index.html", "quick-start.html", "reference/command-line.html"):
        page.goto((site / name).as_uri())
        page.add_script_tag(path=AXE)
        rules = ["color-contrast", "image-alt", "link-name", "heading-order", "label", "button-name"]
        found = page.evaluate(f"axe.run({{runOnly: {json.dumps(rules)}}})")["violations"]
        told = [(one["id"], [node["html"][:120] for node in one["nodes"][:3]]) for one in found]
        assert told == [], f"{name}: {told}"
    context.close()
