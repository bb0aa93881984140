"""The demo's page in a real browser: every button, and what the server tells afterwards."""

import re
import signal
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

APP = Path(__file__).parents[2] / "examples" / "demo_gui" / "app.py"


@pytest.fixture(scope="module")
def address(stage, tmp_path_factory):
    """Where the page is served."""
    process = stage.start(
        sys.executable, APP, cwd=tmp_path_factory.mktemp("gui"), PYTHONUNBUFFERED="1", HF_HUB_OFFLINE="1"
    )
    said = process.stdout.readline()
    found = re.fullmatch(r"The demo's page: (http://127\.0\.0\.1:\d+)/\n", said)
    if not found:
        process.kill()
        pytest.fail(said + process.communicate()[0])
    yield found[1]
    process.send_signal(signal.SIGINT)
    process.communicate()


@pytest.fixture
def gui(browser, address):
    """The page with a started application; it asks nobody but its own server."""
    page = browser.new_page()
    asked = set()
    page.on("request", lambda request: asked.add(urlsplit(request.url)))
    page.goto(address)
    start = page.get_by_role("button", name="Start", exact=True)
    start.wait_for()
    assert page.get_by_role("button", name="End", exact=True).is_disabled()
    assert page.get_by_role("button", name="Log exception", exact=True).is_disabled()
    start.click()
    page.locator("#session a").wait_for()
    yield page
    page.close()
    assert {url.hostname for url in asked if url.scheme.startswith("http")} == {"127.0.0.1"}


def session_of(page):
    link = page.locator("#session a").get_attribute("href")
    assert link.startswith("http://localhost:8080/sessions/")
    return link.rpartition("/")[2]


def press(page, button, said=None, tab=None):
    """Click on a button, and wait for what is said then."""
    if tab:
        page.get_by_role("tab", name=tab).click()
    page.get_by_role("button", name=button, exact=True).click()
    if said:
        page.locator("#said").filter(has_text=said).wait_for()


def names(session):
    return [event["name"] for event in session["events"]]


def test_each_kind_of_record_has_a_button_and_arrives(gui, stage):
    session_id = session_of(gui)
    press(gui, "Update state", "Done: state.")
    gui.get_by_label("Data", exact=True).fill("no JSON")
    press(gui, "Log event", "That is no JSON")
    gui.get_by_label("Data", exact=True).fill('{"door": "cellar"}')
    press(gui, "Log event", "Done: event.")
    for kind in ("gauge", "counter", "histogram", "timer"):
        gui.get_by_label("Metric", exact=True).fill("of_" + kind)
        gui.get_by_label(kind, exact=True).check()
        press(gui, "Log metric", "Done: metric.")
        stage.session(session_id, lambda found, kind=kind: "of_" + kind in {one["name"] for one in found["metrics"]})
    press(gui, "Log line", "Done: log.")
    press(gui, "Log exception", "Done: exception.")
    press(gui, "End", "exit code 0")
    session = stage.session(session_id, "ended")
    assert session["state"]["player"] == {"health": 80}
    assert names(session) == ["door_opened", "log", "exception"]
    opened, line, exception = session["events"]
    assert (opened["level"], opened["data"]) == ("info", {"door": "cellar"})
    assert (line["level"], line["message"]) == ("warning", "the door creaks")
    assert (exception["exception_type"], exception["source_function"]) == ("KeyError", "open_chest")
    assert {metric["name"]: metric["type"] for metric in session["metrics"]} == {
        f"of_{kind}": kind for kind in ("gauge", "counter", "histogram", "timer")
    }
    gui.locator("#verdict").filter(has_text="ended, 3 events, 4 metrics").wait_for()


def test_a_hang_is_shown_and_goes_by_unless_the_heartbeat_is_paused(gui, stage):
    session_id = session_of(gui)
    gui.get_by_role("tab", name="Hangs").click()
    gui.get_by_label("Silence").fill("0.5")
    gui.get_by_label("Seconds", exact=True).fill("2")
    press(gui, "Watch heartbeat", "Done: heartbeat.")
    press(gui, "Hang", "It hangs now.")
    gui.locator("#verdict").filter(has_text="hung").wait_for()
    hung = stage.session(session_id, lambda found: "application_recovered" in names(found))
    (hang,) = (event for event in hung["events"] if event["name"] == "application_appears_hung")
    assert "wait_for_a_lock" in str(hang["data"]["stacks"])
    press(gui, "Pause heartbeat", "Done: pause.")
    gui.get_by_label("Seconds", exact=True).fill("1")
    press(gui, "Hang", "It hangs now.")
    press(gui, "Resume heartbeat", "Done: resume.")
    press(gui, "End", "exit code 0")
    assert names(stage.session(session_id, "ended")).count("application_appears_hung") == 1


CRASHES = {
    "Kill": "SIGKILL",
    "Crash: exception": "KeyError: 'jewels'",
    "Crash: segfault": "SIGSEGV",
    "Crash: exit": "code 3",
}


def test_a_crash_takes_the_application_down_and_leaves_the_page(gui, stage):
    seen = set()
    gui.get_by_role("tab", name="Crashes").click()
    for button, reason in CRASHES.items():
        session_id = session_of(gui)
        assert session_id not in seen
        seen.add(session_id)
        press(gui, button, "The application has died")
        assert reason in stage.session(session_id, "crashed")["reason"]
        gui.locator("#verdict").filter(has_text=re.compile(f"crashed.*{reason}")).wait_for()
        press(gui, "Start", "The application runs.")
    press(gui, "End", "exit code 0")
    press(gui, "Crash: exit", "Start another one")
