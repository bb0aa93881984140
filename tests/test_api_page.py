"""The page that describes the REST API, in a real browser, from a real server and from nowhere else."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

ROOT = Path(__file__).parents[1]
SCREENSHOTS = Path(__file__).parent / "screenshots"
SERVER = [sys.executable, "-c", "from datacat_server.cli.server import main; main()"]


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """A server that asks for the key `sesame`."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DATACAT_")}
    process = subprocess.Popen(
        [*SERVER, "--port", "0", "--require-api-key"],
        cwd=tmp_path,
        env=environment | {"DATACAT_API_KEY": "sesame"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    yield next(word.rstrip(",") for word in process.stdout.readline().split() if word.startswith("http"))
    process.send_signal(signal.SIGINT)
    process.communicate()


def test_the_page_of_the_api_shows_and_tries_calls_with_nothing_from_elsewhere(browser: Browser, address: str) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 1600})
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    page.on(
        "request", lambda sent: wrong.append(sent.url) if not sent.url.startswith((address, "data:", "blob:")) else None
    )
    page.goto(f"{address}/schema/ui")
    page.get_by_label("API key").fill("wrong")
    page.get_by_role("button", name="Open").click()
    expect(page.get_by_role("status")).to_contain_text("the API key is wrong")
    expect(page.get_by_label("API key")).to_have_value("wrong")  # to be mended, not to be typed anew
    page.screenshot(path=SCREENSHOTS / "the_page_of_the_api-asks.png")
    page.get_by_label("API key").fill("sesame")
    page.get_by_role("button", name="Open").click()
    expect(page.get_by_role("heading", name="DataCat")).to_be_visible(timeout=60_000)
    page.locator("#operations-sessions-list_sessions summary, #operations-sessions-list_sessions button").first.click()
    page.get_by_role("button", name="Try it out").click()
    page.screenshot(path=SCREENSHOTS / "the_page_of_the_api.png")
    # The browser notes both refusals by itself.
    assert [word for word in wrong if "401" not in word] == []
    wrong.clear()

    with page.expect_response(lambda answer: "/api/sessions" in answer.url) as answered:
        page.get_by_role("button", name="Execute").click()
    assert answered.value.status == 200
    assert answered.value.json()["sessions"] == []
    expect(page.locator(".live-responses-table tbody .response-col_status").first).to_contain_text("200")
    page.screenshot(path=SCREENSHOTS / "the_page_of_the_api-tried.png")
    assert wrong == []
