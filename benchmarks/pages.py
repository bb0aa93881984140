"""How soon pages of a store with 100,000 sessions are there, and how long a timeline of a million events takes to draw.

In Chromium. Times of pages are what the browser measures: until the first byte, and until it has painted content.
"""

import os
import statistics
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import large
import large_store
import real
from playwright.sync_api import Browser, Page, sync_playwright

TIMES = 12
ZOOMS = 24
_FIND_BROWSER = Path(__file__).parents[1] / "scripts" / "browser.py"
_TIMES = """() => {
  const [page] = performance.getEntriesByType("navigation");
  const painted = performance.getEntriesByName("first-contentful-paint")[0];
  return [page.responseStart - page.requestStart, painted ? painted.startTime : page.domContentLoadedEventEnd];
}"""
_DRAWN = "() => Number(document.querySelector('#picture canvas').dataset.drawnMs)"


@dataclass(frozen=True)
class Loaded:
    """Milliseconds of a page, medians and the worst: until its first byte, and until its content is painted."""

    first_byte: float
    worst_first_byte: float
    content: float
    worst_content: float


@dataclass(frozen=True)
class Found:
    """Pages by name; milliseconds that drawing the long session's timeline took while it was zoomed."""

    pages: dict[str, Loaded]
    draw: float
    worst_draw: float


def measure(say: Callable[[str], None] = print) -> Found:
    """Look at pages of the large folder, which is filled unless it is there."""
    say("Filling a folder, unless it is full ...")
    folder, _ = large_store.make(large.KEPT, large_store.Size())
    path = subprocess.run([sys.executable, str(_FIND_BROWSER)], check=True, stdout=subprocess.PIPE, text=True).stdout
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []  # Chromium refuses to run as root in its sandbox
    with real.up(folder) as (_, web), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path.strip(), args=[*sandbox, "--disable-gpu"])
        pages = {name: _load(browser, web + where) for name, where in large.PAGES.items()}
        draws = _draws(browser, f"{web}/sessions/{large_store.LONG}")
        browser.close()
    return Found(pages, statistics.median(draws), max(draws))


def _load(browser: Browser, address: str) -> Loaded:
    """The page many times, each in a browser that has its script and style but not the page."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto(address)
    times = []
    for _ in range(TIMES):
        page.goto(address, wait_until="load")
        page.wait_for_function("performance.getEntriesByName('first-contentful-paint').length")
        times.append(page.evaluate(_TIMES))
    page.close()
    first, content = zip(*times, strict=True)
    return Loaded(statistics.median(first), max(first), statistics.median(content), max(content))


def _draws(browser: Browser, address: str) -> list[float]:
    """What each picture took while one zooms in and out again, after the very first."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto(address)
    page.wait_for_selector("#picture.drawn", state="attached")
    page.locator("#lanes").focus()
    draws = [_after_key(page, key) for key in ["+"] * (ZOOMS // 2) + ["-"] * (ZOOMS // 2)]
    page.close()
    return draws


def _after_key(page: Page, key: str) -> float:
    page.keyboard.press(key)
    page.wait_for_timeout(120)  # the next picture comes from the server
    drawn: float = page.evaluate(_DRAWN)
    return drawn


if __name__ == "__main__":
    found = measure()
    for name, loaded in found.pages.items():
        print(
            f"{name}: first byte {loaded.first_byte:.0f} (worst {loaded.worst_first_byte:.0f}) ms,"
            f" content {loaded.content:.0f} (worst {loaded.worst_content:.0f}) ms"
        )
    print(f"a picture of the long session's timeline: {found.draw:.1f} (worst {found.worst_draw:.1f}) ms")
