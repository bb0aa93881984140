"""A program that stands still and is killed then: both are told, by the API and by the page."""

import signal
import urllib.request

from support.reading import get, session_with_status, wait_for

STANDS_STILL = """
    import time
    import datacat

    def wait_for_the_harbour():
        time.sleep(600)

    session = datacat.create_session(product="Ferry", version="2")
    session.start_heartbeat_monitor(timeout=0.5)
    session.update_state({"cargo": {"crates": 12}})
    session.log_event("cast_off", {"tide": "high"}, level="warning", category="voyage")
    session.heartbeat()
    print(session.session_id, flush=True)
    wait_for_the_harbour()
"""


def test_a_session_killed_while_it_hung_is_crashed_and_hung_and_shows_both(programs, server, web_ui):
    program = programs.start(STANDS_STILL, server.url)
    session_id = program.stdout.readline().strip()
    assert session_with_status(server.url, session_id, "hung")["active"]
    program.send_signal(signal.SIGKILL)
    session = session_with_status(server.url, session_id, "crashed")
    assert (session["crashed"], session["hung"], session["active"]) == (True, True, False)
    assert [verdict["status"] for verdict in session["verdicts"]] == ["hung", "crashed"]
    assert [event["name"] for event in session["events"]] == [
        "cast_off",
        "application_appears_hung",
        "session_crashed_detected",
    ]
    logged = session["events"][0]
    assert (logged["level"], logged["category"], logged["data"]) == ("warning", "voyage", {"tide": "high"})
    assert session["state"]["cargo"] == {"crates": 12}
    for word in ("SIGKILL", "While hung", "wait_for_the_harbour", "cast_off"):
        assert word in page(f"{web_ui.url}/sessions/{session_id}").replace("<wbr>", "")  # names may break after _
    assert "while hung" in page(f"{web_ui.url}/sessions")


def test_the_list_shows_a_session_that_began_after_the_web_ui(programs, server, web_ui):
    assert "Nothing has been logged yet" in page(f"{web_ui.url}/sessions")
    program = programs.start(STANDS_STILL, server.url)
    session_id = program.stdout.readline().strip()
    assert wait_for(lambda: get(f"{server.url}/api/sessions/{session_id}"))
    assert f'data-session="{session_id}"' in page(f"{web_ui.url}/sessions")


def page(url: str) -> str:
    with urllib.request.urlopen(url, timeout=30) as answer:
        return answer.read().decode()
