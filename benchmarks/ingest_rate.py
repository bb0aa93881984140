"""How fast events are taken in over HTTP, against how fast `executemany` puts the same rows into the same tables.

The same rows: each column that an event of these has something in is handed over with each row, as the server does not
know either what the next event will be; those that none has are left out, as the server leaves them out. That both
databases then hold the same is looked at before anything is timed.
"""

import os
import sqlite3
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import real
from batches import EVENTS, PACKERS, START, Connection, event_batch, head
from datacat_server.store.sqlite.file.connection import FILE_NAME, connect
from datacat_server.store.sqlite.file.migrate import migrate

BATCHES = 120
ROUNDS = 5
WAYS = (("plain", 1), ("gzip", 1), ("zstd", 1), ("gzip", 4), ("gzip", 8))

_INFO = 1
_INSERT = "INSERT INTO events (session, time, level, is_exception, name, data) VALUES (?, ?, ?, ?, ?, ?)"
_EVERYTHING = "SELECT * FROM events ORDER BY id"


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
    _check_same_rows()
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


def _check_same_rows() -> None:
    """Raises RuntimeError where the server writes other rows than `executemany` is given."""
    with real.server() as running:
        connection = Connection(running.url)
        for at in range(2):
            connection.send(event_batch("s0", at * EVENTS))
        connection.close()
        with closing(sqlite3.connect(running.folder / "data" / FILE_NAME)) as db:
            theirs = db.execute(_EVERYTHING).fetchall()
    with _tables() as db:
        for rows in _rows(2):
            db.executemany(_INSERT, rows)
        ours = db.execute(_EVERYTHING).fetchall()
    if theirs != ours:
        raise RuntimeError(f"the rows are not the same: {theirs[:1]} over HTTP, {ours[:1]} directly")


def _rows(batches: int) -> list[list[tuple[int, int, int, int, str, str]]]:
    return [
        [
            (1, START + number, _INFO, 0, "moved", f'{{"x":{number},"y":20}}')
            for number in range(batch * EVENTS, (batch + 1) * EVENTS)
        ]
        for batch in range(batches)
    ]


@contextmanager
def _tables() -> Iterator[sqlite3.Connection]:
    """The server's tables in a file of their own, with nothing in them."""
    with (
        tempfile.TemporaryDirectory(prefix="datacat-bench-") as folder,
        closing(connect(Path(folder) / "direct.sqlite3")) as db,
    ):
        migrate(db)
        yield db


def _directly() -> float:
    batches = _rows(BATCHES)
    with _tables() as db:
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
        for number, connection in enumerate(opened):
            connection.send(head(f"s{number}", 0, 0))  # rates are of what goes on, not of what begins
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
