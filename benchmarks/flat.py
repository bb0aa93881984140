"""Whether a session takes what comes late as fast as what came early: events, and changes of its state."""

import json
import statistics
import time
from dataclasses import dataclass

from batches import EVENTS, START, Connection, event_batch, head
from real import Running

MILLION = 1_000_000
CHANGES = 1_000
_LOOKED_AT = 10  # batches of events: 10,000 of them at either end
_CHANGES_LOOKED_AT = 100


@dataclass(frozen=True)
class Found:
    """Milliseconds that a batch of 1,000 events, and a change of the state, took: medians at both ends."""

    first_events: float
    last_events: float
    first_changes: float
    last_changes: float


def measure(running: Running) -> Found:
    """A session of a million events, and one whose state changes a thousand times and grows with it."""
    connection = Connection(running.url)
    connection.send(head("warm", 0, 0))
    batches = [_send_events(connection, first) for first in range(0, MILLION, EVENTS)]
    connection.send(head("changes", 0, 0))
    changes = [_send_change(connection, number) for number in range(CHANGES)]
    connection.close()
    return Found(
        statistics.median(batches[:_LOOKED_AT]),
        statistics.median(batches[-_LOOKED_AT:]),
        statistics.median(changes[:_CHANGES_LOOKED_AT]),
        statistics.median(changes[-_CHANGES_LOOKED_AT:]),
    )


def _send_events(connection: Connection, first: int) -> float:
    body = event_batch("million", first)
    begin = time.perf_counter()
    connection.send(body)
    return (time.perf_counter() - begin) * 1e3


def _send_change(connection: Connection, number: int) -> float:
    patch = {"level": number, "inventory": {f"slot {number % 200}": {"item": "lamp", "count": number}}}
    body = json.dumps({"state": patch, "timestamp": (START + number) / 1e6}).encode()
    begin = time.perf_counter()
    connection.request("POST", "/api/sessions/changes/state", body)
    return (time.perf_counter() - begin) * 1e3
