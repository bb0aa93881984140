"""How a death is taken: how soon the server knows of it, and whether everything that was logged before is there."""

import statistics
import time

from real import Running

DEATHS = 9
EVENTS = 20_000

STAYS = """
import time
import datacat
session = datacat.create_session(product="benchmark", version="1")
print(session.session_id, flush=True)
time.sleep(60)
"""

LOGS_AND_DIES = f"""
import os, signal
import datacat
session = datacat.create_session(product="benchmark", version="1")
print(session.session_id, flush=True)
for n in range({EVENTS}):
    session.log_event("moved", {{"x": n, "y": 2}})
os.kill(os.getpid(), signal.SIGKILL)
"""


def seconds_until_crashed(running: Running) -> float:
    """Median seconds from SIGKILL to "crashed" on the server."""
    times = []
    for _ in range(DEATHS):
        program = running.start(STAYS)
        assert program.stdout is not None
        session_id = program.stdout.readline().strip()
        running.wait_for_status(session_id, "active")
        begin = time.perf_counter()
        program.kill()
        running.wait_for_status(session_id, "crashed")
        times.append(time.perf_counter() - begin)
        program.communicate()
    return statistics.median(times)


def events_that_survive(running: Running) -> int:
    """How many of the events are on the server that a program logged as fast as it could before it killed itself."""
    session_id = running.start(LOGS_AND_DIES).communicate()[0].strip()
    running.wait_for_status(session_id, "crashed")
    events = running.session(session_id, whole=True)["events"]
    return len({event["data"]["x"] for event in events if event["name"] == "moved"})
