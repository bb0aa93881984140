"""A game's loop: 60 frames a second with 100 logging calls in each, while two other threads compute.

The two never wait for anything, so that the loop has to get the interpreter's lock back from them after each frame's
sleep; within a call there is nothing that would give it away. Each of the calls is timed; as much time of doing
nothing, after each frame, shows what the machine itself does to a call.
"""

import json
import statistics
import subprocess
import sys
import threading
import time
from dataclasses import dataclass

from real import Running

SECONDS = 30
FRAMES_A_SECOND = 60
CALLS = 100
BUDGET_MS = 1000 / FRAMES_A_SECOND
BUSY_THREADS = 2


@dataclass(frozen=True)
class Frames:
    """What the loop's calls took.

    Attributes:
        frames: how many there were.
        median_ms: of the calls of one frame together.
        p99_us: microseconds of one call; 99 % were no slower.
        slowest_ms: of all calls.
        longest_gap_ms: in as much time of doing nothing between the frames: what the machine itself does to a call.
    """

    frames: int
    median_ms: float
    p99_us: float
    slowest_ms: float
    longest_gap_ms: float


def measure(running: Running) -> Frames:
    """Run the loop in a process of its own, with the standard library's serialiser."""
    environment = {**running.environment(), "DATACAT_JSON": "stdlib"}
    arguments = [sys.executable, __file__, running.url]
    done = subprocess.run(arguments, env=environment, check=True, stdout=subprocess.PIPE)
    return Frames(**json.loads(done.stdout))


def _in_process(url: str) -> None:
    import datacat

    session = datacat.create_session(base_url=url, product="benchmark", version="1")
    session.start_heartbeat_monitor(timeout=60)
    computing = True

    def compute() -> None:
        number = 1
        while computing:
            number = number * 1103515245 % 2147483647

    threads = [threading.Thread(target=compute) for _ in range(BUSY_THREADS)]
    for thread in threads:
        thread.start()
    frames, calls, longest_gap = [], [], 0
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        begin = time.perf_counter_ns()
        times = _frame(session)
        frames.append(sum(times))
        calls += times
        longest_gap = max(longest_gap, _longest_gap(sum(times)))
        time.sleep(max(0.0, 1 / FRAMES_A_SECOND - (time.perf_counter_ns() - begin) / 1e9))
    computing = False
    for thread in threads:
        thread.join()
    session.end()
    calls.sort()
    found = Frames(
        frames=len(frames),
        median_ms=statistics.median(frames) / 1e6,
        p99_us=calls[len(calls) * 99 // 100] / 1e3,
        slowest_ms=calls[-1] / 1e6,
        longest_gap_ms=longest_gap / 1e6,
    )
    print(json.dumps(vars(found)))


def _frame(session: "datacat.Session") -> list[int]:  # type: ignore[name-defined]  # noqa: F821
    """Seventy events, twenty gauges, five counters, four states and a heartbeat; nanoseconds of each call."""
    clock = time.perf_counter_ns
    log_event, log_gauge, log_counter, update_state = (
        session.log_event,
        session.log_gauge,
        session.log_counter,
        session.update_state,
    )
    times = []
    for i in range(70):
        begin = clock()
        log_event("moved", {"x": i, "y": 2})
        times.append(clock() - begin)
    for i in range(20):
        begin = clock()
        log_gauge("fps", 60.0 - i / 7)
        times.append(clock() - begin)
    for _ in range(5):
        begin = clock()
        log_counter("shots")
        times.append(clock() - begin)
    for i in range(4):
        begin = clock()
        update_state({"level": i})
        times.append(clock() - begin)
    begin = clock()
    session.heartbeat()
    times.append(clock() - begin)
    return times


def _longest_gap(nanoseconds: int) -> int:
    """Read the clock for so long; the longest time between two readings."""
    clock = time.perf_counter_ns
    last = clock()
    end = last + nanoseconds
    longest = 0
    while last < end:
        now = clock()
        longest = max(longest, now - last)
        last = now
    return longest


if __name__ == "__main__":
    _in_process(sys.argv[1])
