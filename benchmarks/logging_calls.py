"""What one call costs the application, of DataCat and of others that record what a program does.

All are called in one process, by rounds that take turns, in another order each time. Every call is timed by itself;
nothing is taken off: an empty call, timed likewise, stands beside them. The collector of garbage has little to do when
a round begins, so that each pays for its own. The recorder, the daemon beside it and the server are the real ones.
"""

import gc
import json
import random
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from contenders import Contender, contenders
from real import Running

ROUNDS = 150
CALLS = 300  # few, so that what else the machine does meets all alike


@dataclass(frozen=True)
class Times:
    """How long a call took, in microseconds.

    Attributes:
        median, p99, p999, most: half of the calls were no slower, 99 %, 99.9 %, all.
    """

    median: float
    p99: float
    p999: float
    most: float


def measure(running: Running, *, with_orjson: bool) -> dict[str, Times]:
    """The times of each contender by its name, measured in a process of its own."""
    arguments = [sys.executable, __file__, running.url, "orjson" if with_orjson else "stdlib"]
    done = subprocess.run(arguments, env=running.environment(), check=True, stdout=subprocess.PIPE)
    return {name: Times(**times) for name, times in json.loads(done.stdout.splitlines()[-1]).items()}


def _in_process(url: str, serialiser: str) -> None:
    with tempfile.TemporaryDirectory(prefix="datacat-bench-") as folder, ExitStack() as exit_stack:
        them = contenders(url, Path(folder), with_orjson=serialiser == "orjson", exit_stack=exit_stack)
        times: dict[str, list[int]] = {contender.name: [] for contender in them}
        for contender in them:
            _round(contender)
        order = random.Random(1)
        for _ in range(ROUNDS):
            order.shuffle(them)
            for contender in them:
                times[contender.name] += _round(contender)
    print(json.dumps({name: _summary(sorted(of)) for name, of in times.items()}))


def _round(contender: Contender) -> list[int]:
    clock, call = time.perf_counter_ns, contender.call
    times = []
    gc.collect(0)
    for i in range(CALLS):
        begin = clock()
        call(i)
        times.append(clock() - begin)
    contender.settle()
    return times


def _summary(ordered: list[int]) -> dict[str, float]:
    parts = {"median": 0.5, "p99": 0.99, "p999": 0.999}
    found = {name: ordered[int(len(ordered) * part)] / 1e3 for name, part in parts.items()}
    return {**found, "most": ordered[-1] / 1e3}


if __name__ == "__main__":
    _in_process(sys.argv[1], sys.argv[2])
