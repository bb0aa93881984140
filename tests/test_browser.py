"""What people see: the real pages in a real browser, over a real server that the demo's games report to."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from support import demo as demo_of_all

SCREENSHOTS = Path(__file__).parent / "screenshots"
STATUSES = ["ended", "crashed", "crashed", "crashed", "ended", "hung", "ended"]

pytestmark = pytest.mark.xdist_group(demo_of_all.GROUP)  # one demo for all tests that look at it


@pytest.fixture(params=["light", "dark"])
def page(request: pytest.FixtureRequest, browser: Browser, demo: dict[str, Any]) -> Iterator[Page]:
    """A page on the demo's web UI. The test fails on an error in its scripts, and on a request to any other host."""
    context = browser.new_context(
        base_url=demo["ui"], color_scheme=request.param, viewport={"width": 1280, "height": 900}
    )
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("request", lambda sent: errors.append(sent.url) if not sent.url.startswith((demo["ui"], "data:")) else None)
    yield page
    name = f"{request.node.originalname.removeprefix('test_')}-{request.param}"
    page.screenshot(path=SCREENSHOTS / f"{name}.png")
    page.screenshot(path=SCREENSHOTS / f"{name}-whole.png", full_page=True)
    context.close()
    assert errors == []


def session_of(demo: dict[str, Any], instance: int) -> str:
    return demo["instances"][instance - 1]["session_id"]


def test_the_list_shows_all_seven_verdicts(page: Page, demo: dict[str, Any]) -> None:
    page.goto("/sessions")
    for instance, status in zip(demo["instances"], STATUSES, strict=True):
        row = page.locator(f'[data-session="{instance["session_id"]}"]')
        expect(row).to_have_attribute("data-status", status)
        expect(row).to_contain_text(status, ignore_case=True)
    expect(page.locator(f'[data-session="{session_of(demo, 3)}"]')).to_contain_text("SIGSEGV")


def test_an_exception_is_shown_with_its_traceback(page: Page, demo: dict[str, Any]) -> None:
    page.goto(f"/sessions/{session_of(demo, 2)}")
    expect(page.locator('[data-status="crashed"]').first).to_be_visible()
    traceback = page.locator(".traceback").first
    expect(traceback).to_be_visible()
    expect(traceback).to_contain_text("equip")
    expect(page.locator("main")).to_contain_text("KeyError")
    expect(page.locator("main")).to_contain_text("moonlit shield")


def test_a_segmentation_fault_is_shown_with_its_signal_and_stack(page: Page, demo: dict[str, Any]) -> None:
    page.goto(f"/sessions/{session_of(demo, 3)}")
    expect(page.locator("main")).to_contain_text("SIGSEGV")
    expect(page.locator(".stack").first).to_contain_text("upload_texture")


def test_a_hang_is_shown_with_the_stack_of_every_thread(page: Page, demo: dict[str, Any]) -> None:
    page.goto(f"/sessions/{session_of(demo, 6)}")
    expect(page.locator('[data-status="hung"]').first).to_be_visible()
    stacks = page.locator(".stack")
    assert stacks.count() >= 2
    words = " ".join(stacks.all_text_contents())
    assert "save_game" in words
    assert "mix_audio" in words


def test_a_recovered_hang_is_told(page: Page, demo: dict[str, Any]) -> None:
    page.goto(f"/sessions/{session_of(demo, 5)}")
    expect(page.locator('[data-status="ended"]').first).to_be_visible()
    expect(page.locator("main")).to_contain_text("recovered")


def test_events_state_and_metrics_of_a_game_are_there(page: Page, demo: dict[str, Any]) -> None:
    page.goto(f"/sessions/{session_of(demo, 1)}")
    expect(page.locator(".event-row").first).to_be_visible()
    for word in ("enemies_defeated", "frame_time", "find_path", "fps", "Comet Bow"):
        expect(page.locator("main")).to_contain_text(word)


def test_the_pages_can_be_read_with_scripts_blocked(browser: Browser, demo: dict[str, Any]) -> None:
    context = browser.new_context(base_url=demo["ui"], java_script_enabled=False)
    page = context.new_page()
    page.goto("/sessions")
    page.locator(f'[data-session="{session_of(demo, 2)}"] a').first.click()
    expect(page.locator(".traceback").first).to_contain_text("equip")
    context.close()
