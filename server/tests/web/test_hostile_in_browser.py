"""Nothing that an application logged runs in a page: hostile text in every field, in a real browser, on every page."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from datacat_server.store.sqlite import SqliteStore
from playwright.sync_api import Browser, Page, expect
from support.recordings import Recording

# What runs tells of itself: it sets `window.hacked`, asks for /hacked, or moves the page there.
RUN = "window.hacked=1;fetch('/hacked')"
PAYLOADS = {
    "script": f"<script>{RUN}</script>",
    "attribute": f'"><img src=/hacked onerror="{RUN}">',
    "quote": f"'><svg/onload={RUN}><x a='",
    "unquoted": f" onmouseover={RUN} autofocus onfocus={RUN} x=",
    "address": f"javascript:{RUN}",
    "data address": f"data:text/html,<script>{RUN}</script>",
    "template": "{{ 7 * 7 }}{% include 'base.html' %}${7*7}<%= 7*7 %>",
    "ends": f"</title></style></textarea></script></pre></svg></template><script>{RUN}</script>",
    "comment": f"--><script>{RUN}</script><!--",
    "resources": "<link rel=stylesheet href=/hacked><iframe src=/hacked></iframe><base href=//hacked.invalid/>"
    "<meta http-equiv=refresh content='0;url=/hacked'><object data=/hacked></object>",
    "style": "<style>*{display:none}@import url(/hacked);</style><p style='position:fixed;inset:0;background:red'>",
    "htmx": f"<div hx-get=/hacked hx-trigger=load hx-on::load='{RUN}'></div><a href=/hacked data-keep>x</a>",
    "form": "<form action=/hacked><button autofocus>x</button></form></form>",
    "encoded": "&lt;script&gt;&#60;img src=/hacked&#62; \\u003cscript\\u003e %3Cscript%3E",
    "json": '\\"}]}</script>\u2028\u2029',
    "direction": "\u202e\u2066gnp.exe\u2069\u200f" + "ẅ̷̡̢̧̛̤̺̙̘́̇" * 8,
    "controls": "a\0b\x1b[2J\r\n\t\x7f",
    "wide": "W" * 200,
    "surrogate": "\ud800<b>",
}  # fmt: skip


def hostile(name: str, text: str) -> Recording:
    """A session in which every field that an application, or who poses as its daemon, can fill is this text."""
    text = text[:1000]
    frame = {"file": text, "line": 3, "function": text}
    recording = Recording(f"s-{name.replace(' ', '-')}", product=text, version=text, hostname=text)
    recording.facts = {
        text: text,
        "argv": [text, text],
        "cwd": text,
        "python": text,
        "platform": text,
        "more": {text: [text]},
    }
    recording.state(0.1, **{text: {text: text}}).state(0.2, **{text: {text: [text]}})
    recording.event(
        1, text, level="info", category=text, group=text, labels=[text, text], message=text, data={text: {text: [text]}}
    )
    recording.event(1.5, text, level="warning", category=text, message=text)
    recording.event(
        2, text, exception_type=text, exception_msg=text, stacktrace=[f'File "{text}", line 1, in {text}', text],
        source_file=text, source_line=3, source_function=text, data={text: text},
    )  # fmt: skip
    for at in (3, 4):
        for kind in ("gauge", "counter", "histogram", "timer"):
            value = {"delta": at} if kind == "counter" else {"value": at}
            recording.metric(at, text + kind, kind, unit=text, tags=[text], metadata={text: text}, **value)
    stacks = [{"thread": text, "name": text, "current": True, "frames": [frame]}]
    recording.status(5, "hung", text, timeout_seconds=3, silent_seconds=4, stacks=stacks)
    recording.status(5.5, "recovered", text, hung_seconds=5)
    recording.status(
        6, "crashed", text, kind="exception", signal=text, exception_type=text, exception_msg=text, stacks=stacks,
        last_events=[{"name": text, "level": text, "time": 1}],
    )  # fmt: skip
    recording.add("event", 7, name=text, data=text)  # refused, and shown as such
    return recording


@pytest.fixture
def watched(browser: Browser, address: str) -> Iterator[tuple[Page, list[str]]]:
    """A page, and what went wrong in it: requests that no page of ours makes, dialogs, policy breaches, errors."""
    context = browser.new_context(base_url=address, viewport={"width": 1280, "height": 800})
    page = context.new_page()
    wrong: list[str] = []

    def requested(request: Any) -> None:
        rest = request.url.removeprefix(address)
        if rest == request.url or not rest.startswith(("/sessions", "/complete", "/static/", "/live", "/favicon.ico")):
            wrong.append(f"asked for {request.url}")

    def dialog(shown: Any) -> None:
        wrong.append(f"dialog {shown.message}")
        shown.dismiss()

    page.on("request", requested)
    page.on("dialog", dialog)
    page.on("pageerror", lambda error: wrong.append(f"error {error}"))
    page.on("console", lambda said: wrong.append(said.text) if "Content Security" in said.text else None)
    page.on("popup", lambda opened: wrong.append(f"popup {opened.url}"))
    yield page, wrong
    context.close()


def look(page: Page, where: str) -> None:
    """Open an address, and touch all that can be opened and pointed at."""
    page.goto(where)
    expect(page.locator("header.top .brand")).to_be_visible()
    page.wait_for_function("document.readyState === 'complete'")
    page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
    page.evaluate(
        "for (const one of document.querySelectorAll('main *')) for (const kind of ['mouseover', 'focus'])"
        " one.dispatchEvent(new Event(kind, {bubbles: true}))"
    )


# What a page of ours never has in its content, whatever was logged. uPlot and the time axis place parts by their style.
FOREIGN = """() => {
  const all = [...document.querySelectorAll("main *")];
  const made = all.filter((one) => one.matches("script, img, iframe, object, embed, link, style, base, meta, [style]"));
  const attributes = all.flatMap((one) => [...one.attributes]);
  const links = attributes.filter((one) => ["href", "action", "src", "formaction", "xlink:href"].includes(one.name));
  return [
    ...made.filter((one) => !one.closest(".uplot, [data-own]")).map((one) => one.outerHTML),
    ...attributes.filter((one) => /^(on|hx-|srcdoc)/.test(one.name)).map((one) => one.name),
    ...links.filter((one) => !/^([#?]|[/](?![/]))/.test(one.value)).map((one) => one.value),
  ];
}"""


def check(page: Page) -> None:
    """Nothing ran, nothing was made of the text, and the page has kept its shape."""
    assert page.evaluate("window.hacked") is None
    assert page.evaluate(FOREIGN) == []
    assert page.evaluate("document.querySelectorAll('main').length") == 1
    assert page.evaluate("document.querySelector('main').parentElement === document.body")
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


@pytest.mark.parametrize("name", list(PAYLOADS))
def test_nothing_that_was_logged_runs_or_breaks_a_page(
    watched: tuple[Page, list[str]], store: SqliteStore, name: str
) -> None:
    page, wrong = watched
    recording = hostile(name, PAYLOADS[name])
    recording.send(store)
    [session] = store.sessions().sessions
    assert (session.status, session.refused_count) == ("crashed", 1), "all of it was taken, but what had to be refused"
    where = f"/sessions/{recording.id}"
    for address in (
        "/sessions",
        f"/sessions?product={quote(session.product)}",
        f"/sessions?product={quote(session.product + 'x')}",
        where,
        f"{where}?level=exception",
        f"{where}?at=0.15&series=all",
        f"/sessions/{quote(PAYLOADS[name].encode('utf-8', 'replace').decode(), safe='')}",
    ):
        look(page, address)
        check(page)
    assert wrong == []


def test_what_arrives_while_a_page_is_open_does_not_run_either(
    watched: tuple[Page, list[str]], store: SqliteStore
) -> None:
    """A page that follows its session puts the new content in place by script."""
    page, wrong = watched
    recording = Recording("s-1").event(1, "first")
    recording.send(store)
    page.goto("/sessions/s-1")
    expect(page.locator("#connection")).to_have_text("live")
    for number, text in enumerate(PAYLOADS.values()):
        recording.event(2 + number, text[:1000], message=text, data={text: text}, labels=[text])
        recording.state(2 + number, **{text[:1000]: text})
        recording.metric(2 + number, text[:1000], "gauge", value=number, unit=text[:100])
    recording.status(60, "crashed", PAYLOADS["htmx"], kind="unknown").send(store)
    expect(page.locator("#verdict")).to_have_attribute("data-status", "crashed")
    expect(page.locator(".event-row").first).to_contain_text("hx-get")
    check(page)
    assert wrong == []


def test_json_is_never_taken_for_a_page(watched: tuple[Page, list[str]], store: SqliteStore) -> None:
    page, wrong = watched
    hostile("script", PAYLOADS["script"]).send(store)
    number = store.event_page("s-script").events[0].number
    for address in ("/sessions.json", "/sessions/s-script.json", f"/sessions/s-script/events/{number}"):
        answer = page.goto(address)
        assert answer
        assert answer.headers["content-type"].startswith("application/json")
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert page.evaluate("window.hacked") is None
    assert wrong == []
