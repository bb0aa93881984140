"""A program logs a million records as fast as it can and kills itself: how many are at the server, and how soon."""

import time
from dataclasses import dataclass

from real import Running

RECORDS = 1_000_000
_GIVE_UP_SECONDS = 240

LOGS_AND_DIES = """
import os, signal, sys, time
import datacat
session = datacat.create_session(product="benchmark", version="1")
sys.stdout.write(session.session_id + " ")
begin = time.perf_counter()
for n in range({records}):
    session.log_event("moved", {{"x": n, "y": 2}})
print(time.perf_counter() - begin, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


@dataclass(frozen=True)
class Arrival:
    """How the records came.

    Attributes:
        logged_a_second: by the program.
        arrived: how many are at the server.
        arrived_a_second: from the first logging call until the last one was there.
    """

    logged_a_second: float
    arrived: int
    arrived_a_second: float


def measure(running: Running) -> Arrival:
    """Let the program run and wait until everything is there, or for four minutes."""
    begin = time.perf_counter()
    answer = running.start(LOGS_AND_DIES.format(records=RECORDS)).communicate()[0].split()
    session_id, logging_seconds = answer[0], float(answer[1])
    arrived = 0
    while arrived < RECORDS and time.perf_counter() - begin < _GIVE_UP_SECONDS:
        time.sleep(0.2)
        session = running.session(session_id)
        # the server counts the event that tells of the death as well
        arrived = session.get("event_count", 0) - session.get("crashed", False)
    return Arrival(RECORDS / logging_seconds, arrived, arrived / (time.perf_counter() - begin))
