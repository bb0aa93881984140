"""A large data folder, made through the store's ingest: many sessions with their events, states, metrics and ends."""

import random
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from batches import START
from datacat_server.ingest.records import (
    EventRecord,
    MetricRecord,
    Record,
    SessionBatch,
    SessionLine,
    StateRecord,
    StatusRecord,
)
from datacat_server.store.sqlite import SqliteStore
from datacat_server.store.sqlite.migrate import newest_version
from msgspec import Raw

LONG = "the-long-one"
WINDOWS = [f"window {number}" for number in range(19)]
PROBE = "space probe"

_SESSIONS_AT_ONCE = 50
_EVENTS_AT_ONCE = 5_000
_SECONDS_APART = 60
_NAMES = [f"event {number}" for number in range(40)]
_LEVELS = ["debug"] + ["info"] * 7 + ["warning", "error"]


@dataclass(frozen=True)
class Size:
    """How much there is: sessions, records of all of them, events of the longest."""

    sessions: int = 100_000
    records: int = 10_000_000
    longest: int = 1_000_000


def make(folder: Path, size: Size) -> float | None:
    """Fill the folder; the seconds that took, or None where it had been filled before by the same version.

    Raises FileExistsError for a folder that was left half filled.
    """
    mark = folder / f"filled-{newest_version()}-{size.sessions}-{size.records}-{size.longest}"
    if mark.exists():
        return None
    if folder.exists():
        raise FileExistsError(f"{folder} holds something else; remove it")
    begin = time.perf_counter()
    with closing(SqliteStore(folder)) as store:
        _fill_long(store, size.longest)
        each = (size.records - size.longest) // size.sessions
        some: list[SessionBatch] = []
        for number in range(size.sessions - 1):
            some.append(_session(number, each))
            if len(some) == _SESSIONS_AT_ONCE:
                store.ingest(some)
                some = []
        store.ingest(some)
    mark.touch()
    return time.perf_counter() - begin


def _fill_long(store: SqliteStore, events: int) -> None:
    header = SessionLine(id=LONG, product="Game 0", version="1.0", time=START)
    chosen = random.Random(1)
    for first in range(0, events, _EVENTS_AT_ONCE):
        records = list(_events(chosen, START + first * 10_000, _EVENTS_AT_ONCE, 10_000))
        store.ingest([SessionBatch(LONG, header=header, records=records)])


def _session(number: int, records: int) -> SessionBatch:
    """One in ten has had the space probe open; four of five have ended, one in twenty has crashed."""
    chosen = random.Random(number)
    begin = START + number * _SECONDS_APART * 1_000_000
    header = SessionLine(
        id=f"session-{number:06}",
        product=f"Game {number % 5}",
        version=f"1.{number * 12 // 100_000}",
        time=begin,
        machine_id=f"machine-{number % 500}",
        hostname=f"host-{number % 500}",
        pid=1000 + number,
        last_heartbeat=begin + 3_000_000_000,
    )
    windows = chosen.sample(WINDOWS, 3) + ([PROBE] if number % 10 == 0 else [])
    said: list[Record] = [
        StateRecord(
            time=begin, state={"window_state": {"open": windows}, "level": number % 30, "player": {"lives": 3}}
        ),
        *_events(chosen, begin, records - 6, 1_000_000),
        *(
            MetricRecord(time=begin + at * 1_000_000, name="memory_usage", value=chosen.uniform(100, 4_000), unit="MB")
            for at in (1, 2, 3)
        ),
        StateRecord(time=begin + 5_000_000, state={"window_state": {"open": windows[:2]}}),
    ]
    if number % 20 == 7:
        crash = {"kind": "exception", "exception_type": f"Error{number % 60}", "exception_msg": "went wrong"}
        said.append(StatusRecord(time=begin + 90_000_000, status="crashed", reason="an exception", data=crash))
    elif number % 5:
        said.append(StatusRecord(time=begin + 90_000_000, status="ended", data={"exit_code": 0}))
    return SessionBatch(header.id, header=header, records=said, heartbeat=header.last_heartbeat)


def _events(chosen: random.Random, begin: int, count: int, apart: int) -> Iterator[Record]:
    for number in range(count):
        yield EventRecord(
            time=begin + number * apart,
            name=_NAMES[number * 7 % len(_NAMES)],
            level=_LEVELS[chosen.randrange(len(_LEVELS))],
            category="play",
            data=Raw(b'{"x":%d,"y":20}' % number),
        )
