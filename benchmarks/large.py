"""How soon the server answers what people ask, with 100,000 sessions and 10,000,000 records in its tables."""

import os
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import large_store
import real
from batches import Connection
from views import PROBE, views

TIMES = 40
KEPT = Path(tempfile.gettempdir()) / f"datacat-bench-large-{os.getuid()}"

_LONG = f"/api/sessions/{large_store.LONG}"
# What stands in the place of {time} is another number each time: no answer is one that was given before.
QUESTIONS = {
    "list page": "/api/sessions",
    "list page, of a product": f"/api/sessions?product={quote('Game 3')}",
    "list page, of a version": "/api/sessions?version=1.7",
    "list page, of a machine": "/api/sessions?machine=host-77",
    "list page, of a status": "/api/sessions?status=crashed",
    "list page, that ever hung": "/api/sessions?status=ever_hung",
    "list page, from a day on": "/api/sessions?from=2026-12-20&to=2026-12-21",
    "list page, with a text": "/api/sessions?q=session-0777",
    "list page, with a rare text": "/api/sessions?q=host-499",
    "list page, with a state now": "/api/sessions?state=level:17",
    "list page, with a state ever": "/api/sessions?state_ever=level:17",
    "list page, with one of many states ever": "/api/sessions?state_ever=position.x:{time}",
    "list page, with one of many states ever, of a product and version": (
        f"/api/sessions?product={quote('Game 1')}&version=1.7&state_ever=position.x:{{time}}"
    ),
    "list page, that contains": f"/api/sessions?contains={quote('window_state.open:')}window%207",
    "list page, that contained": f"/api/sessions?ever_contains={PROBE}",
    "one session": "/api/sessions/session-000777",
    "events of the long session": f"{_LONG}/events?level=error",
    "timeline of the long session": f"{_LONG}/timeline?buckets=1000",
    "peak memory of 10,000 sessions with the space probe": (
        f"/api/metrics?name=memory_usage&aggregate=peak&ever_contains={PROBE}"
    ),
    "problems": "/api/problems",
    "releases": "/api/releases",
}


@dataclass(frozen=True)
class Answer:
    """Milliseconds until the answer was whole, those that the server computed for each, and its size."""

    p50: float
    p95: float
    worst: float
    computed: float
    size: int


@dataclass(frozen=True)
class Found:
    """Seconds that filling took, if it had to be done; answers by question, or what came in their place."""

    seconds: float | None
    records_a_second: float | None
    size_on_disk: int
    answers: dict[str, Answer | str]
    resident_bytes: int


def measure(size: large_store.Size | None = None, say: Callable[[str], None] = print) -> Found:
    """Fill a folder, unless one is there from before, and ask each question many times in turn."""
    size = size or large_store.Size()
    say(f"Filling a folder in {KEPT} with {size.records:,} records, unless it is full ...")
    folder, seconds = large_store.make(KEPT, size)
    answers: dict[str, Answer | str] = {}
    with real.up(folder) as (running, web):
        api, pages = Connection(running.url), Connection(web)
        for name, path in QUESTIONS.items():
            answers[name] = _ask(running, api, path)
        for name, path in views(api).items():
            answers[f"web: {name}"] = _ask(running, pages, path)
        api.close()
        pages.close()
        resident = running.resident_bytes()
    on_disk = sum(file.stat().st_size for file in folder.iterdir())
    return Found(seconds, size.records / seconds if seconds else None, on_disk, answers, resident)


def _ask(running: real.Running, connection: Connection, path: str) -> Answer | str:
    times = []
    before = running.cpu_seconds()
    for time_asked in range(TIMES):
        begin = time.perf_counter()
        try:
            content = connection.request("GET", path.format(time=time_asked))
        except RuntimeError as error:
            return str(error)
        times.append((time.perf_counter() - begin) * 1e3)
    computed = (running.cpu_seconds() - before) / TIMES * 1e3
    times.sort()
    return Answer(statistics.median(times), times[int(TIMES * 0.95) - 1], times[-1], computed, len(content))


if __name__ == "__main__":
    found = measure()
    sizes = f"{found.size_on_disk / 1e6:,.0f} MB, resident {found.resident_bytes / 2**20:.0f} MB"
    print(f"filled in {found.seconds} s, {sizes}")
    for name, answer in found.answers.items():
        if isinstance(answer, str):
            print(f"{name}: {answer}")
        else:
            print(
                f"{name}: p50 {answer.p50:.1f} p95 {answer.p95:.1f} worst {answer.worst:.1f} ms,"
                f" computed {answer.computed:.1f} ms, {answer.size:,} bytes"
            )
