"""Nothing that an application logged runs in a page: hostile text in every field, in a real browser, on every page."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

import pytest
from datacat_server.store.sqlite import SqliteStore
from playwright.sync_api import Browser, Page, expect
from support.hostile import PAYLOADS, check, hostile, look
from support.recordings import Recording

from .conftest import Pages


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqliteStore]:
    """A store with a session of each text; the tests only read it."""
    store = SqliteStore(tmp_path_factory.mktemp("hostile") / "data")
    for name, text in PAYLOADS.items():
        hostile(name, text).send(store)
    yield store
    store.close()


@pytest.fixture(scope="module")
def filled_address(filled: SqliteStore) -> Iterator[str]:
    pages = Pages(filled)
    yield pages.address
    pages.stop()


@pytest.fixture
def watched(browser: Browser, filled_address: str) -> Iterator[tuple[Page, list[str]]]:
    """A page over all the texts, and what went wrong in it."""
    with watching(browser, filled_address) as found:
        yield found


@contextmanager
def watching(browser: Browser, address: str) -> Iterator[tuple[Page, list[str]]]:
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


@pytest.mark.parametrize("name", list(PAYLOADS))
def test_nothing_that_was_logged_runs_or_breaks_a_page(
    watched: tuple[Page, list[str]], filled: SqliteStore, name: str
) -> None:
    page, wrong = watched
    where = f"/sessions/{hostile(name, PAYLOADS[name]).id}"
    session = filled.session(where.rsplit("/", 1)[1])
    assert (session.status, session.refused_count) == ("crashed", 1), "all of it was taken, but what had to be refused"
    for address in (
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
    browser: Browser, address: str, store: SqliteStore
) -> None:
    """A page that follows its session puts the new content in place by script."""
    with watching(browser, address) as (page, wrong):
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


def test_json_is_never_taken_for_a_page(watched: tuple[Page, list[str]], filled: SqliteStore) -> None:
    page, wrong = watched
    number = filled.event_page("s-script").events[0].number
    for address in ("/sessions.json", "/sessions/s-script.json", f"/sessions/s-script/events/{number}"):
        answer = page.goto(address)
        assert answer
        assert answer.headers["content-type"].startswith("application/json")
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert page.evaluate("window.hacked") is None
    assert wrong == []
