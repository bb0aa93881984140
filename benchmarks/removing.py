"""How long what comes in waits while a large session is removed, against how long it waits otherwise."""

import json
import sqlite3
import statistics
import time
import urllib.request
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass

from real import Running

EVENTS = 300_000
_BATCH = 5_000
_SECONDS_BEFORE = 5.0
_KEPT_FREE_PAGES = 2_000  # the server keeps some, for what comes next
_START = 1_795_298_400_000_000


@dataclass(frozen=True)
class Found:
    """Seconds until a batch of 100 events is acknowledged, medians and 99 of 100, and what became of the file."""

    median_before: float
    p99_before: float
    median_during: float
    p99_during: float
    seconds: float
    size_before: int
    size_after: int


def measure(running: Running) -> Found:
    """Fill a session, send small batches of another one, and delete the large one meanwhile."""
    for first in range(0, EVENTS, _BATCH):
        _send(running, "large", first, _BATCH)
    file = running.folder / "data" / "datacat.sqlite3"
    sent = 0

    def latencies(goes_on: Callable[[], bool]) -> list[float]:
        nonlocal sent
        found = []
        while goes_on():
            began = time.perf_counter()
            _send(running, "live", sent, 100)
            found.append(time.perf_counter() - began)
            sent += 100
            time.sleep(0.005)
        return found

    until = time.monotonic() + _SECONDS_BEFORE
    before = latencies(lambda: time.monotonic() < until)
    size = file.stat().st_size
    began = time.monotonic()
    request = urllib.request.Request(f"{running.url}/api/sessions/large", method="DELETE")
    urllib.request.urlopen(request).close()
    with closing(sqlite3.connect(file)) as db:

        def under_way() -> bool:
            left = db.execute("SELECT count(*) FROM removals").fetchone()[0]
            return left > 0 or db.execute("PRAGMA freelist_count").fetchone()[0] > _KEPT_FREE_PAGES

        during = latencies(under_way)
        seconds = time.monotonic() - began
        # What was given back leaves the file when the log is taken into it.
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return Found(
        statistics.median(before),
        _p99(before),
        statistics.median(during),
        _p99(during),
        seconds,
        size,
        file.stat().st_size,
    )


def _send(running: Running, session: str, first: int, count: int) -> None:
    lines = [
        {"kind": "session", "id": session, "product": "benchmark", "version": "1", "time": _START},
        {"kind": "writer", "writer": "1-0", "first": first, "next": first + count},
    ]
    for ordinal in range(first, first + count):
        lines.append(
            {"kind": "event", "writer": "1-0", "ordinal": ordinal, "time": _START + ordinal, "name": "moved",
             "data": {"x": ordinal, "y": 20, "room": "the one with the door"}}
        )  # fmt: skip
    body = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
    urllib.request.urlopen(urllib.request.Request(f"{running.url}/api/ingest", data=body)).close()


def _p99(values: list[float]) -> float:
    return sorted(values)[int(len(values) * 0.99)]
