"""Text that would run, break a page or move it, sessions that are full of it, and what must not become of a page."""

from typing import TYPE_CHECKING

from support.recordings import Recording

if TYPE_CHECKING:
    from playwright.sync_api import Page

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


def look(page: "Page", where: str) -> None:
    """Open an address, and touch all that can be opened and pointed at."""
    page.goto(where)
    page.locator("header.top .brand").wait_for()
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


def check(page: "Page") -> None:
    """Nothing ran, nothing was made of the text, and the page has kept its shape."""
    assert page.evaluate("window.hacked") is None
    assert page.evaluate(FOREIGN) == []
    assert page.evaluate("document.querySelectorAll('main').length") == 1
    assert page.evaluate("document.querySelector('main').parentElement === document.body")
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
