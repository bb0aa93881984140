"""How fast events are taken in over HTTP, against how fast `executemany` puts the same rows into the same tables."""

import os
import statistics
import tempfile
import threading
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import real
from batches import EVENTS, PACKERS, START, Connection, event_batch
from datacat_server.store.sqlite.file.connection import connect
from datacat_server.store.sqlite.file.migrate import migrate

BATCHES = 120
ROUNDS = 3
WAYS = (("plain", 1), ("gzip", 1), ("zstd", 1), ("gzip", 4), ("gzip", 8))

_INSERT = "INSERT INTO events (session, time, level, is_exception, name, data) VALUES (?, ?, 1, 0, 'moved', ?)"


@dataclass(frozen=True)
class Rate:
    """Events a second over HTTP, each acknowledged when it was on disk; server's CPU seconds for a million."""

    events_a_second: float
    share: float
    cpu_seconds: float


@dataclass(frozen=True)
class Found:
    """Events a second straight into the tables, rates by (packing, connections), and bytes on disk for a million."""

    direct: float
    rates: dict[tuple[str, int], Rate]
    bytes_on_disk: float


def measure() -> Found:
    """Each way several times in turn, with the direct way beside it, so that all have the same neighbours."""
    directs: list[float] = []
    seen: dict[tuple[str, int], list[Rate]] = {way: [] for way in WAYS}
    sizes = []
    for _ in range(ROUNDS):
        for way in WAYS:
            direct = _directly()
            directs.append(direct)
            rate, cpu, size = _over_http(*way)
            seen[way].append(Rate(rate, rate / direct, cpu))
            sizes.append(size)
    rates = {way: sorted(found, key=lambda rate: rate.share)[ROUNDS // 2] for way, found in seen.items()}
    return Found(statistics.median(directs), rates, statistics.median(sizes))


def _directly() -> float:
    batches = [
        [(1, START + number, f'{{"x":{number},"y":20}}') for number in range(first, first + EVENTS)]
        for first in range(0, BATCHES * EVENTS, EVENTS)
    ]
    with (
        tempfile.TemporaryDirectory(prefix="datacat-bench-") as folder,
        closing(connect(Path(folder) / "direct.sqlite3")) as db,
    ):
        migrate(db)
        begin = time.perf_counter()
        for rows in batches:
            db.execute("BEGIN IMMEDIATE")
            db.executemany(_INSERT, rows)
            db.execute("COMMIT")
        return BATCHES * EVENTS / (time.perf_counter() - begin)


def _over_http(packed: str, connections: int) -> tuple[float, float, float]:
    each = BATCHES // connections
    bodies = [
        [PACKERS[packed](event_batch(f"s{number}", at * EVENTS)) for at in range(each)] for number in range(connections)
    ]
    with real.server() as running:

        def send(connection: Connection, mine: list[bytes]) -> None:
            for body in mine:
                connection.send(body, packed)

        opened = [Connection(running.url) for _ in bodies]
        threads = [
            threading.Thread(target=send, args=(connection, mine))
            for connection, mine in zip(opened, bodies, strict=True)
        ]
        cpu, begin = running.cpu_seconds(), time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        elapsed, cpu = time.perf_counter() - begin, running.cpu_seconds() - cpu
        for connection in opened:
            connection.close()
        size = running.bytes_on_disk()
    events = each * connections * EVENTS
    return events / elapsed, cpu / events * 1e6, size / events * 1e6


if __name__ == "__main__":
    found = measure()
    print(f"{found.direct:,.0f} events/s directly, {found.bytes_on_disk / 1e6:,.0f} MB a million, {os.getloadavg()}")
    for (packed, connections), rate in found.rates.items():
        print(f"{packed} x{connections}: {rate.events_a_second:,.0f}/s {rate.share:.0%} {rate.cpu_seconds:.1f} s CPU")
