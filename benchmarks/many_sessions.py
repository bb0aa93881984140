"""Many sessions, unlike each other, put into a store by the way that real ones take."""

import json
import random
from typing import Any

from datacat_server.ingest.decode import decode_batches
from datacat_server.store.protocol import Store

START = 1_795_298_400_000_000  # microseconds since 1970
WINDOWS = ("space probe", "map", "inventory", "settings", "shop", "chat", "editor")
REASONS = (
    "Killed by SIGSEGV (segmentation fault) in upload_texture",
    "KeyError: 'hull'",
    "The machine ran out of memory",
)

_AT_ONCE = 500
_SECONDS_APART = 30


def fill(store: Store, sessions: int, *, first: int = 0, seed: int = 7) -> None:
    """Add sessions `session-<first>` and so on: 5 products, 40 versions, 2,000 machines, a day of 2,880.

    One in ten crashes, one in twenty hangs on the way; one in seven ever opens the window "space probe". Each has three
    changes of its state, two events and three readings of `memory_usage`.
    """
    some = random.Random(seed)
    for begin in range(first, first + sessions, _AT_ONCE):
        numbers = range(begin, min(begin + _AT_ONCE, first + sessions))
        batches, stray = decode_batches(b"".join(_lines(number, some) for number in numbers))
        refused = store.ingest(batches).refused
        if stray or refused:
            raise RuntimeError(f"refused: {(stray + refused)[0]}")


def _lines(number: int, some: random.Random) -> bytes:
    begun = START + number * _SECONDS_APART * 1_000_000
    machine = some.randrange(2_000)
    header = {
        "kind": "session",
        "id": f"session-{number}",
        "product": f"Game {some.choice('AABCDE')}",
        "version": f"1.{some.randrange(40)}",
        "time": begun,
        "machine_id": f"machine-{machine}",
        "hostname": f"host-{machine}",
        "pid": 4711,
    }
    windows = some.sample(WINDOWS, 3)
    records: list[dict[str, Any]] = [
        {
            "kind": "state",
            "state": {"window_state": {"open": windows[:1]}, "level": some.randrange(30), "user": number},
        },
        {"kind": "event", "name": "started", "data": {"width": 1920}},
        {"kind": "state", "state": {"window_state": {"open": windows[:2]}, "hull": some.random()}},
        {"kind": "state", "state": {"window_state": {"open": windows[1:]}, "level": some.randrange(30)}},
        {"kind": "event", "name": "docked", "level": "warning"},
        *({"kind": "metric", "name": "memory_usage", "value": some.randrange(1_000)} for _ in range(3)),
    ]
    fate = some.random()
    if fate < 0.05:
        records += [
            {"kind": "status", "status": "hung"},
            {"kind": "status", "status": some.choice(("recovered", "hung"))},
        ]
    if fate < 0.1:
        records.append({"kind": "status", "status": "crashed", "reason": some.choice(REASONS)})
    elif fate < 0.95:
        records.append({"kind": "status", "status": "ended", "reason": "end() was called"})
    lines: list[dict[str, Any]] = [header, {"kind": "writer", "writer": "4711-0", "first": 0, "next": len(records)}]
    for ordinal, record in enumerate(records):
        time = begun + (ordinal + 1) * some.randrange(1_000_000)
        lines.append({"writer": "4711-0", "ordinal": ordinal, "time": time} | record)
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)
