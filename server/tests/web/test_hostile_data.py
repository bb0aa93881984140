"""All that applications send is hostile: nothing of it becomes markup, an attribute, an address or a header."""

import re
from html.parser import HTMLParser
from urllib.parse import quote

from datacat_server.store.sqlite import SqliteStore
from litestar.testing import TestClient
from support.recordings import Recording

PAYLOADS = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'><svg onload=alert(1)>",
    "javascript:alert(1)",
    "{{ 7 * 7 }}{% raw %}",
    "</textarea></title></style><b>",
    "\u202egnp.exe\u0000\u2028",
    "&lt;script&gt;",
    "\a\x1b[31m\x7f\r\n\t",
]


class Tags(HTMLParser):
    """Collects what a browser would act on."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str]] = []
        self.scripts: list[str | None] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag == "script":
            self.scripts.append(dict(attrs).get("src"))


def check(html: str) -> None:
    tags = Tags()
    tags.feed(html)
    assert not tags.tags & {"img", "textarea", "iframe", "object", "embed"}
    assert all(src and src.startswith("/static/") for src in tags.scripts)
    names = {name for name, _ in tags.attributes}
    assert not {name for name in names if name.startswith("on")}
    assert "style" not in names
    addresses = [value for name, value in tags.attributes if name in ("href", "src", "action")]
    assert all(address.startswith(("/", "#")) for address in addresses), addresses
    assert "49{%" not in html
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f]", html)


def hostile(number: int, text: str) -> Recording:
    frame = {"file": text, "line": 3, "function": text}
    recording = Recording(f"s-{number}", product=text, version=text, hostname=text, facts={text: text})
    recording.state(0.1, **{text: {text: text}}).state(0.2, **{text: {text: [text]}})
    recording.event(
        1, text, level="info", category=text, group=text, labels=[text], message=text, data={text: {text: text}}
    )
    recording.event(
        2, text, exception_type=text, exception_msg=text, stacktrace=[f'File "{text}", line 1, in {text}', text],
        source_file=text, source_function=text,
    )  # fmt: skip
    for at in (3, 4):
        recording.metric(at, text, "gauge", value=at, unit=text, tags=[text])
        recording.metric(at, text, "histogram", value=at, unit=text, tags=[text])
    recording.status(5, "hung", text, stacks=[{"thread": text, "name": text, "frames": [frame]}])
    recording.status(6, "crashed", text, kind=text, exception_type=text, stacks=[{"name": text, "frames": [frame]}])
    recording.add("event", 7, name=text, data=text)
    return recording


def test_every_field_is_escaped_on_every_page(pages: TestClient, store: SqliteStore) -> None:
    for number, text in enumerate(PAYLOADS):
        hostile(number, text).send(store)
        for address in (
            f"/sessions/s-{number}",
            f"/sessions/s-{number}?level=exception",
            f"/sessions/s-{number}?at=0.15",
        ):
            answer = pages.get(address)
            assert answer.status_code == 200
            check(answer.text)
    check(pages.get("/sessions").text)


def test_control_characters_are_shown_as_pictures_of_themselves(pages: TestClient, store: SqliteStore) -> None:
    Recording("s-1", product="a\0b").event(1, "bell\a\x1b", message="one\n\ttwo").send(store)
    html = pages.get("/sessions/s-1").text
    assert "a␀b" in html
    assert "bell␇␛" in html
    assert "one\n\ttwo" in html


def test_addresses_are_escaped_too(pages: TestClient, locked_pages: TestClient) -> None:
    for text in PAYLOADS:
        for name in ("product", "status", "cursor"):
            check(pages.get("/sessions", params={name: text}).text)
        check(locked_pages.get("/sign-in", params={"next": text}).text)
        check(pages.get(f"/sessions/{quote(text.replace('/', ''))}").text)


def test_values_at_their_limits_do_not_cost_the_page(pages: TestClient, store: SqliteStore) -> None:
    deep: dict[str, object] = {}
    for _ in range(40):
        deep = {"d": deep, "n": [[]]}
    recording = Recording("s-1").state(0.1, deep=deep, wide={str(n): n for n in range(3000)}, empty="", none=[])
    recording.metric(1, "g", "gauge", value=1.7e308).metric(2, "g", "gauge", value=-1.7e308).metric(
        3, "g", "gauge", value=5e-324
    )
    recording.metric(1, "h", "histogram", value=1e300, buckets=[-1, 0, 1e-9]).metric(
        1, "t", "timer", value=-5, unit="seconds"
    )
    recording.event(-5_000_000, "long ago").event(
        9_000_000, "far ahead", message="m" * 50_000, data={"x": "y" * 100_000}
    )
    for number in range(80):
        recording.metric(4, f"m{number}", "gauge", value=number)
    recording.status(10, "crashed", "r" * 5000).send(store)
    answer = pages.get("/sessions/s-1")
    assert answer.status_code == 200
    assert len(answer.text) < 400_000
    assert "Show every metric" in answer.text
    assert "The rest is in the" in answer.text
    assert pages.get("/sessions/s-1?series=all").text.count('<article class="metric') == 83
    for at in ("-1e308", "1e308", "0"):
        assert pages.get(f"/sessions/s-1?at={at}").status_code == 200


def test_a_session_that_is_large_in_everything_has_a_page_of_bounded_size(
    pages: TestClient, store: SqliteStore
) -> None:
    long = 'a.b"' * 75_000
    name = long[:1000]
    deep: object = [1] * 1000
    for _ in range(60):
        deep = [deep]
    frames = [f'  File "{name[:800]}", line {n}, in {name[:800]}\n    {name[:800]}\n' for n in range(100)]
    recording = Recording("s-1", product=name, facts={f"f{n}": n for n in range(5000)})
    recording.state(0.1, **{f"k{n}": long[:2000] for n in range(400)})
    for number in range(60):
        recording.event(
            number, name, message=long, data={"deep": deep}, exception_type=name, exception_msg=name, stacktrace=frames
        )
    recording.status(70, "crashed", long, kind="exception").send(store)
    assert store.session("s-1", ()).refused_count == 0
    answer = pages.get("/sessions/s-1")
    assert "… (300,000 characters in all; the JSON has them)" in answer.text
    assert "80 more frames in the JSON" in answer.text
    assert len(answer.text) < 4_000_000


def test_a_product_that_nobody_can_have_is_refused(pages: TestClient) -> None:
    answer = pages.get("/sessions", params={"product": "x" * 1001})
    assert answer.status_code == 400
    assert len(answer.text) < 8000
    assert pages.get("/sessions", params={"product": "x" * 1000}).status_code == 200


def test_places_in_time_that_are_none_are_refused(pages: TestClient, store: SqliteStore) -> None:
    Recording("s-1").state(1, a=1).send(store)
    for at in ("nan", "inf", "soon"):
        assert pages.get(f"/sessions/s-1?at={at}").status_code in (200, 400)
