"""What it costs to begin: `create_session` with the start of the daemon, each time in a fresh process."""

import statistics
import time

from real import Running

RUNS = 15

BEGINS = """
import time
import datacat
begin = time.perf_counter()
session = datacat.create_session(product="benchmark", version="1")
print(session.session_id, time.perf_counter() - begin, flush=True)
time.sleep({stays})
session.end()
"""


def measure(running: Running) -> tuple[float, float]:
    """Median seconds of the call, and median seconds from its return until the server knows the session."""
    calls, known = [], []
    for _ in range(RUNS):
        program = running.start(BEGINS.format(stays=1))
        assert program.stdout is not None
        session_id, seconds = program.stdout.readline().split()
        begin = time.perf_counter()
        running.wait_for_status(session_id)
        known.append(time.perf_counter() - begin)
        calls.append(float(seconds))
        program.communicate()
    return statistics.median(calls), statistics.median(known)
