"""How soon every page of a store with 100,000 sessions is there; how long a timeline of a million events takes to draw.

In Chromium. Times of pages are what the browser measures: until the first byte, and until it has painted content.
"""

import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import large
import large_store
import real
from batches import Connection
from playwright.sync_api import Browser, Error, Page, sync_playwright
from views import LONG, views

TIMES = 20
LOOK_MS = 500
"""For so long a page is looked at before the next one is asked for: what comes after it has come by then."""
ZOOMS = 24
_FIND_BROWSER = Path(__file__).parents[1] / "scripts" / "browser.py"
_TIMES = """() => new Promise((resolve) => {
  const [page] = performance.getEntriesByType("navigation");
  new PerformanceObserver((list) => {
    const painted = list.getEntriesByName("first-contentful-paint")[0];
    if (painted) resolve([page.responseStart - page.requestStart, painted.startTime]);
  }).observe({ type: "paint", buffered: true });
})"""
_DRAWN = "() => Number(document.querySelector('#picture canvas').dataset.drawnMs)"


@dataclass(frozen=True)
class Times:
    """Milliseconds of some tries."""

    p50: float
    p95: float
    worst: float


@dataclass(frozen=True)
class Loaded:
    """A page: until its first byte, until its content is painted, and what the server computed for it in ms."""

    first_byte: Times
    content: Times
    computed: float


@dataclass(frozen=True)
class Found:
    """Pages by name, or why one did not come; the long session's timeline, drawn while it was zoomed.

    `resident_bytes`: the server's memory when all pages had been looked at.
    """

    pages: dict[str, Loaded | str]
    draw: Times
    resident_bytes: int


def measure(say: Callable[[str], None] = print) -> Found:
    """Look at every page of the large folder, which is filled unless it is there."""
    say("Filling a folder, unless it is full ...")
    folder, _ = large_store.make(large.KEPT, large_store.Size())
    path = subprocess.run([sys.executable, str(_FIND_BROWSER)], check=True, stdout=subprocess.PIPE, text=True).stdout
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []  # Chromium refuses to run as root in its sandbox
    with real.up(folder) as (running, web), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path.strip(), args=[*sandbox, "--disable-gpu"])
        api = Connection(running.url)
        pages = {name: _load(running, browser, web + where) for name, where in views(api).items()}
        api.close()
        draws = _draws(browser, web + LONG)
        browser.close()
        resident = running.resident_bytes()
    return Found(pages, _times(draws), resident)


def _load(running: real.Running, browser: Browser, address: str) -> Loaded | str:
    """The page many times, each in a browser that has its script and style but not the page."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    times = []
    try:
        page.goto(address)
        page.wait_for_timeout(LOOK_MS)
        before = running.cpu_seconds()
        for _ in range(TIMES):
            answer = page.goto(address, wait_until="load")
            if answer is None or answer.status != 200:
                return f"status {answer and answer.status}"
            times.append(page.evaluate(_TIMES))
            page.wait_for_timeout(LOOK_MS)
        computed = (running.cpu_seconds() - before) / TIMES * 1e3
    except Error as error:
        return str(error).splitlines()[0]
    finally:
        page.close()
    first, content = zip(*times, strict=True)
    return Loaded(_times(first), _times(content), computed)


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


def _times(found: Sequence[float]) -> Times:
    ordered = sorted(found)
    return Times(statistics.median(ordered), ordered[int(len(ordered) * 0.95) - 1], ordered[-1])


def _written(times: Times) -> str:
    return f"p50 {times.p50:.1f} p95 {times.p95:.1f} worst {times.worst:.1f} ms"


if __name__ == "__main__":
    found = measure()
    for name, loaded in found.pages.items():
        if isinstance(loaded, str):
            print(f"{name}: {loaded}")
        else:
            first, content = _written(loaded.first_byte), _written(loaded.content)
            print(f"{name}: first byte {first}; content {content}; computed {loaded.computed:.1f} ms")
    print(f"a picture of the long session's timeline: {_written(found.draw)}")
    print(f"resident {found.resident_bytes / 2**20:.0f} MB")
