"""Open pages while a program runs, and while the server goes away and comes back: nobody presses a key."""

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from support.programs import Programs
from support.reading import get, wait_for
from support.servers import Server
from support.walking import Walk, walking

# Does what it is told, a line of Python at a time, and says when that is done.
PROGRAM = """
    import sys
    import datacat

    session = datacat.create_session(product="Lighthouse", version="2.1")
    print(session.session_id, flush=True)
    for line in sys.stdin:
        exec(line)
        print("done", flush=True)
"""
SLOW = 30_000  # ms; what a busy machine may take, nothing that is waited out

UNREACHED = ("ERR_CONNECTION", "htmx:sendError", "htmx:afterRequest")
"""What the console says of a page that was asked for anew just when the server went."""


@pytest.fixture
def opened(browser: Browser, web_ui: Server) -> Iterator[Any]:
    """Opens addresses, each in a browser of its own: `opened("/")`. A browser has few connections to one host."""
    with ExitStack() as all_of_them:

        def open_one(where: str) -> Walk:
            walk = all_of_them.enter_context(walking(browser, web_ui.url))
            walk.go(where)
            return walk

        yield open_one


def started(programs: Programs, server: Server) -> tuple[subprocess.Popen[str], str]:
    """The program and the id of its session."""
    program = programs.start(PROGRAM, server.url)
    assert program.stdout is not None
    return program, program.stdout.readline().strip()


def tell(program: subprocess.Popen[str], line: str) -> None:
    assert program.stdin is not None
    assert program.stdout is not None
    program.stdin.write(line + "\n")
    program.stdin.flush()
    assert program.stdout.readline() == "done\n"


def test_open_pages_follow_a_program_from_its_first_line_to_its_crash(
    programs: Programs, server: Server, opened: Any
) -> None:
    overview, sessions, problems = opened("/").page, opened("/sessions").page, opened("/problems").page
    expect(overview.locator("#example")).to_contain_text('create_session("http://localhost:9090"')
    program, session_id = started(programs, server)

    row = sessions.locator(f"tr[data-session='{session_id}']")
    expect(row).to_have_attribute("data-status", "active", timeout=SLOW)
    expect(overview.locator("main")).to_contain_text("Lighthouse", timeout=SLOW)
    expect(overview.get_by_role("heading", level=1)).to_contain_text("1 is active")
    expect(overview.locator("#running")).to_contain_text("1")

    page: Page = opened(f"/sessions/{session_id}").page
    tell(program, "session.log_event('lamp_lit', {'oil': 3}, message='Good evening')")
    expect(page.locator(".event-row").first).to_contain_text("lamp_lit", timeout=SLOW)
    tell(program, "session.update_state({'lamp': {'turns': 12}}); session.log_gauge('brightness', 7.5, unit='cd')")
    expect(page.locator("#state")).to_contain_text("turns", timeout=SLOW)
    expect(page.locator("article[data-metric='brightness']")).to_contain_text("7.5", timeout=SLOW)
    opened_row = page.locator(".event-row", has_text="lamp_lit")
    opened_row.locator("> summary").click()
    tell(program, "session.log_event('lamp_turned')")
    expect(page.locator(".event-row").first).to_contain_text("lamp_turned", timeout=SLOW)
    expect(opened_row).to_have_attribute("open", "")

    tell(program, "session.log_exception((OSError, OSError('out of oil'), None))")
    expect(problems.locator("main")).to_contain_text("out of oil", timeout=SLOW)
    expect(page.locator(".facts")).to_contain_text("1 exception", timeout=SLOW)

    assert program.stdin is not None
    program.stdin.write("import os; os.abort()\n")
    program.stdin.flush()
    program.wait()
    expect(page.locator("#verdict")).to_have_attribute("data-status", "crashed", timeout=SLOW)
    expect(page.locator("#verdict .sentence")).to_contain_text("SIGABRT")
    expect(row).to_have_attribute("data-status", "crashed", timeout=SLOW)
    verdict = overview.get_by_role("heading", level=1)
    expect(verdict.locator("a[href*='status=crashed']")).to_contain_text("1 crashed in the last day", timeout=SLOW)
    expect(problems.locator("main")).to_contain_text("SIGABRT", timeout=SLOW)


def test_every_open_page_says_that_the_server_is_away_and_comes_back_by_itself(
    programs: Programs, server: Server, web_ui: Server, opened: Any
) -> None:
    program, session_id = started(programs, server)
    tell(program, "session.log_gauge('brightness', 7.5); session.log_exception((OSError, OSError('out of oil'), None))")
    [problem] = wait_for(lambda: get(f"{server.url}/api/problems")["problems"])
    places = [
        "/",
        "/sessions",
        f"/sessions/{session_id}",
        "/problems",
        f"/problems/{problem['id']}",
        "/metrics?name=brightness",
        "/releases",
        f"/compare?ids={session_id}",
        "/settings",
    ]
    walks = {where: opened(where) for where in places}
    silent = [where for where, walk in walks.items() if walk.page.locator("body[data-live]").count() == 0]
    assert silent == [], "these do not follow the server"
    port = web_ui.port
    web_ui.stop()
    for walk in walks.values():
        expect(walk.page.locator("#lost")).to_contain_text("has not answered since", timeout=SLOW)
        expect(walk.page.locator("#connection")).to_have_text("not live")
    tell(program, "session.log_event('meanwhile')")
    back = Server(server.data, port=port, command="web")
    try:
        for where, walk in walks.items():
            expect(walk.page.locator("#lost")).to_be_hidden(timeout=SLOW)
            expect(walk.page.locator("#connection")).to_have_text("live")
            walk.page.wait_for_url(f"**{where}")
            assert not [wrong for wrong in walk.wrong if not any(word in wrong for word in UNREACHED)]
            walk.wrong.clear()
        follower = walks[f"/sessions/{session_id}"].page
        expect(follower.locator(".event-row").first).to_contain_text("meanwhile", timeout=SLOW)
    finally:
        for walk in walks.values():
            walk.page.close()
        back.stop()
