"""A page of a browser that is walked through: what went wrong in it, whether it has settled, how it lies there."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Page, Request

SCREENSHOTS = Path(__file__).parents[1] / "screenshots" / "walk"
MOST_SHIFT = 0.1  # what is called good: https://web.dev/articles/cls
HEIGHTS = {360: 740, 1280: 900, 2560: 1300}

# What moved by itself, in shares of the screen; the rules of the page do not hold of scripts of the browser's own.
_WATCH_SHIFTS = """
  window.shifts = [];
  new PerformanceObserver((list) => {
    for (const one of list.getEntries()) {
      if (!one.hadRecentInput) window.shifts.push([one.value, ...one.sources.map((source) => {
        const element = source.node?.nodeType === 1 ? source.node : source.node?.parentElement;
        return element ? element.tagName + "#" + element.id + "." + element.className : "gone";
      })]);
    }
  }).observe({type: "layout-shift", buffered: true});
"""

_SETTLED = """() => {
  const script = document.getElementById("theme");
  const lanes = document.getElementById("picture");
  return document.readyState === "complete" && script?.hidden === false
    && (!document.body.dataset.live || document.getElementById("connection")?.textContent === "live")
    && (!lanes || lanes.classList.contains("drawn"));
}"""

# Parts beside or under one another: of those that flow, no two lie on the same place, and none stands out of the page.
_LYING = """() => {
  const flows = (one) => {
    const style = getComputedStyle(one);
    return !["absolute", "fixed"].includes(style.position) && style.visibility === "visible"
      && style.display !== "inline" && !one.closest("svg, .uplot, [data-own], [aria-hidden=true]");
  };
  const name = (one) => one.tagName.toLowerCase() + (one.id ? "#" + one.id : "")
    + (typeof one.className === "string" && one.className ? "." + one.className.trim().replaceAll(/\\s+/g, ".") : "");
  const found = [];
  const around = "body, header.top, header.top .places, header.top .tools, main, #page, #page section, #page .head,"
    + " #page .halves, #page .chips, #page .facts, #page ul, #page ol, #page tbody, #page tr, #page form, #page nav";
  for (const parent of document.querySelectorAll(around)) {
    const parts = [...parent.children].filter(flows).map((one) => [one, one.getBoundingClientRect()])
      .filter(([, box]) => box.width > 1 && box.height > 1);
    for (const [at, [one, box]] of parts.entries()) {
      for (const [other, next] of parts.slice(at + 1)) {
        const wide = Math.min(box.right, next.right) - Math.max(box.left, next.left);
        const high = Math.min(box.bottom, next.bottom) - Math.max(box.top, next.top);
        if (wide > 1.5 && high > 1.5) found.push(`${name(one)} lies on ${name(other)} in ${name(parent)}`);
      }
    }
  }
  const wider = document.documentElement.scrollWidth - innerWidth;
  if (wider > 0) {
    const all = [...document.querySelectorAll("body *")];
    const widest = all.filter((one) => one.getBoundingClientRect().right > innerWidth + 1);
    found.push(`${wider} px wider than the screen: ${widest.slice(0, 3).map(name).join(", ")}`);
  }
  return found;
}"""


class Walk:
    """A page, and all that went wrong in it since it was opened.

    Attributes:
        page: of a browser with a profile of its own.
        wrong: errors of scripts and of the console, breaches of the policy, dialogs, requests to any other host.
    """

    def __init__(self, page: "Page", hosts: tuple[str, ...]) -> None:
        self.page = page
        self.wrong: list[str] = []
        self._hosts = hosts
        page.add_init_script(_WATCH_SHIFTS)
        page.on("pageerror", lambda error: self.wrong.append(f"error: {error}"))
        page.on("console", self._said)
        page.on("request", self._asked)
        page.on("dialog", lambda shown: (self.wrong.append(f"dialog: {shown.message}"), shown.dismiss())[0])

    def go(self, where: str) -> "Page":
        """Open an address, and wait until the page is whole, drawn, and follows its server if it is one that does."""
        answer = self.page.goto(where)
        assert answer is not None
        self.status = answer.status
        self.settle()
        return self.page

    def settle(self) -> None:
        self.page.wait_for_function(_SETTLED)

    def shift(self) -> list[Any]:
        """What has moved by itself since the page was opened, if it is more than is good."""
        shifts: list[list[Any]] = self.page.evaluate("window.shifts")
        return shifts if sum(one[0] for one in shifts) >= MOST_SHIFT else []

    def lying(self) -> list[str]:
        """Which parts of the page lie on one another, or reach out of it."""
        found: list[str] = self.page.evaluate(_LYING)
        return found

    def resize(self, width: int) -> None:
        """Give the page another width; returns when it has drawn itself anew."""
        self.page.set_viewport_size({"width": width, "height": HEIGHTS[width]})
        self.page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def keep(self, name: str) -> None:
        """Keep a screenshot of the whole page."""
        self.page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)

    def _said(self, said: "ConsoleMessage") -> None:
        # The browser itself notes each answer that is an error; whoever asks for one looks at its status.
        if said.type == "error" and not said.text.startswith("Failed to load resource"):
            self.wrong.append(f"console: {said.text}")

    def _asked(self, request: "Request") -> None:
        if not request.url.startswith((*self._hosts, "data:", "blob:")):
            self.wrong.append(f"asked for {request.url}")


@contextmanager
def walking(browser: "Browser", *hosts: str, width: int = 1280, theme: str = "dark", **context: Any) -> Iterator[Walk]:
    """A walk whose addresses begin at the first host, in a browser with nothing in it. Nothing must go wrong in it."""
    shade: Any = theme
    size: Any = {"width": width, "height": HEIGHTS[width]}
    opened = browser.new_context(base_url=hosts[0], viewport=size, color_scheme=shade, **context)
    walk = Walk(opened.new_page(), hosts)
    yield walk
    opened.close()
    assert walk.wrong == []
