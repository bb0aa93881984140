"""What one call costs the application: `log_event` against `sentry_sdk.add_breadcrumb` with the same payload.

Both are called in one process, in rounds that take turns, and whoever begins a round ends the next one. Every call is
timed by itself; what the timing itself and the making of the payload cost is measured in the same way, by a function
that does nothing else, and taken off. The recorder, the daemon beside it and the server are the real ones.
"""

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

from real import Running

ROUNDS = 200
CALLS = 300  # few, so that what else the machine does meets both alike


def measure(running: Running, *, with_orjson: bool) -> tuple[float, float, float]:
    """Median seconds of `log_event`, of `add_breadcrumb` and of neither, in a process of its own."""
    arguments = [sys.executable, __file__, running.url, "orjson" if with_orjson else "stdlib"]
    answer = subprocess.run(arguments, env=running.environment(), check=True, stdout=subprocess.PIPE)
    ours, theirs, neither = json.loads(answer.stdout)
    return ours, theirs, neither


def _in_process(url: str, serialiser: str) -> None:
    if serialiser == "stdlib":
        sys.modules["orjson"] = None  # type: ignore[assignment]  # importing it now fails, as where it is not installed
    import datacat
    import sentry_sdk

    # An address nobody listens on: breadcrumbs stay in memory and are only sent with an error, which does not happen.
    sentry_sdk.init(dsn="http://key@127.0.0.1:9/1", default_integrations=False)
    session = datacat.create_session(base_url=url, product="benchmark", version="1")

    def ours(i: int) -> None:
        session.log_event("moved", {"x": i, "y": 2})

    def theirs(i: int) -> None:
        sentry_sdk.add_breadcrumb(message="moved", data={"x": i, "y": 2})

    def neither(i: int) -> None:
        {"x": i, "y": 2}  # noqa: B018 (making it is all that is timed)

    times: dict[Callable[[int], None], list[int]] = {ours: [], theirs: [], neither: []}
    for call in times:
        _round(call)
    for number in range(ROUNDS):
        for call in (ours, theirs, neither) if number % 2 else (neither, theirs, ours):
            times[call] += _round(call)
    session.end()
    print(json.dumps([statistics.median(of) / 1e9 for of in times.values()]))


def _round(call: Callable[[int], None]) -> list[int]:
    clock = time.perf_counter_ns
    times = []
    for i in range(CALLS):
        begin = clock()
        call(i)
        times.append(clock() - begin)
    return times


if __name__ == "__main__":
    _in_process(sys.argv[1], sys.argv[2])
