"""What goes wrong in real programs, on real daemons: the same mistake twice is one problem, and told as what it is."""

from support.reading import get, session_with_status

FERRY = """
import sys
import datacat

def look_up(name):
    return {"harbour": 3}[name]

session = datacat.create_session(product="Ferry", version=sys.argv[1])
print(session.session_id, flush=True)
try:
    look_up("bay")
except KeyError:
    session.log_exception()
int("four") if sys.argv[1] == "2" else look_up("cape")
"""
BECOMES = """
    import os, sys
    os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""
HANGS = """
    import time
    import datacat

    def wait_for_the_harbour():
        time.sleep(600)

    session = datacat.create_session(product="Ferry", version="1")
    session.start_heartbeat_monitor(timeout=0.5)
    session.heartbeat()
    print(session.session_id, flush=True)
    wait_for_the_harbour()
"""


def test_the_same_mistake_in_two_programs_is_one_problem_and_an_uncaught_one_a_crash(programs, server, tmp_path):
    for place, version in (("here", "1"), ("there", "1"), ("there", "2")):
        ferry = tmp_path / place / "ferry.py"
        ferry.parent.mkdir(exist_ok=True)
        ferry.write_text("# moved down\n" * len(place) + FERRY)
        session_id = programs.start(BECOMES, server.url, str(ferry), version).stdout.readline().strip()
        session_with_status(server.url, session_id, "crashed")
    found = {
        (one["kind"], one["type"], one["culprit"].partition(" ")[0]): (one["count"], one["sessions"], one["new_in"])
        for one in get(f"{server.url}/api/problems")["problems"]
    }
    assert found == {
        ("exception", "KeyError", "look_up"): (3, 3, "1"),
        ("crash", "KeyError", "look_up"): (2, 2, "1"),
        ("crash", "ValueError", "<module>"): (1, 1, "2"),
    }
    newest, oldest = get(f"{server.url}/api/releases?product=Ferry")["releases"]
    assert (oldest["version"], oldest["sessions"], oldest["crash_free"]) == ("1", 2, 0.0)
    assert (newest["version"], newest["new_problems"]) == ("2", 1)


def test_a_hang_is_told_by_the_code_that_stands_still(programs, server):
    session_id = programs.start(HANGS, server.url).stdout.readline().strip()
    session_with_status(server.url, session_id, "hung")
    [found] = get(f"{server.url}/api/sessions/{session_id}/problems")["problems"]
    assert found["problem"]["title"] == "Hang in wait_for_the_harbour"
    example = get(f"{server.url}/api/problems/{found['problem']['id']}")["example"]
    assert "wait_for_the_harbour" in example["lines"][0]
