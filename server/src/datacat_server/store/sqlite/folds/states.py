"""The state of a session through time: every change as its patch, and a snapshot now and then.

A snapshot is written when the patches since the last one have grown as large as it, so that writing stays in
proportion to what comes in, and the state at any change is one snapshot and a bounded number of patches.
"""

import sqlite3
from dataclasses import dataclass, field
from typing import Any

import msgspec

from datacat_server.ingest.merge import changes, merge

# Looked at when a snapshot is due, when the whole state is written anyway: between two, it may reach twice that.
LARGEST_STATE = 4 * 1024 * 1024
_SMALLEST_STRIDE = 2048
_PATCH_COST = 64  # what applying a patch costs beside its length, in bytes' worth

_decode = msgspec.json.Decoder(dict[str, Any]).decode
_encode = msgspec.json.Encoder().encode


@dataclass(slots=True)
class StateLog:
    """The current state, and where the log of its changes stands. Sizes in bytes.

    `snapshot_weight`: about how much memory the state took when its last snapshot was made.
    `unfolded`: the patches since `folded`, the state that the index of what sessions had (search_terms.py) is at.
    """

    state: dict[str, Any] = field(default_factory=dict)
    next_seq: int = 0
    snapshot_size: int = 0
    patches_size: int = 0
    snapshot_weight: int = 0
    folded: dict[str, Any] = field(default_factory=dict)
    unfolded: list[dict[str, Any]] = field(default_factory=list)

    @property
    def weight(self) -> int:
        """About how much memory it takes now, in bytes: what came since the snapshot weighs as what is in it."""
        return self.snapshot_weight * (self.snapshot_size + self.patches_size) // max(self.snapshot_size, 1)


@dataclass(slots=True)
class Change:
    """What is to be written for one change; `snapshot` only where one is due."""

    seq: int
    patch: str
    snapshot: str | None


def advance(log: StateLog, patch: dict[str, Any]) -> Change | None:
    """Merge a patch into the current state; None where it changes nothing. Raises ValueError for a state too large."""
    if not changes(log.state, patch) and log.next_seq:
        return None
    merged = merge(log.state, patch)
    encoded = _encode(patch)
    snapshot = None
    patches_size = log.patches_size + len(encoded) + _PATCH_COST
    if log.next_seq == 0 or patches_size >= max(log.snapshot_size, _SMALLEST_STRIDE):
        snapshot = _encode(merged)
        if len(snapshot) > LARGEST_STATE:
            raise ValueError(f"state: would grow larger than {LARGEST_STATE // 2**20} MB")
        log.snapshot_size, log.patches_size = len(snapshot), 0
        log.snapshot_weight = _weight(snapshot)
    else:
        log.patches_size = patches_size
    change = Change(log.next_seq, encoded.decode(), snapshot.decode() if snapshot else None)
    log.state = merged
    log.next_seq += 1
    log.unfolded.append(patch)
    return change


def load_state_log(db: sqlite3.Connection, session: int) -> StateLog:
    """The log as `advance` left it."""
    log = StateLog()
    row = db.execute(_LAST, (session,)).fetchone()
    if row[0] is None:
        return log
    log.next_seq = row[0] + 1
    start, snapshot = _snapshot_before(db, session, row[0])
    log.state, log.snapshot_size = _decode(snapshot), len(snapshot.encode())
    log.snapshot_weight = _weight(snapshot.encode())
    for _, _, patch in _patches(db, session, start, row[0]):
        log.state = merge(log.state, _decode(patch))
        log.patches_size += len(patch.encode()) + _PATCH_COST
    log.folded = log.state
    return log


def state_at(db: sqlite3.Connection, session: int, seq: int) -> dict[str, Any]:
    """The state after change `seq`: one snapshot, and the patches since."""
    start, snapshot = _snapshot_before(db, session, seq)
    state = _decode(snapshot)
    for _, _, patch in _patches(db, session, start, seq):
        state = merge(state, _decode(patch))
    return state


def current_state(db: sqlite3.Connection, session: int) -> dict[str, Any]:
    """The state after the last change."""
    return state_at(db, session, db.execute(_LAST, (session,)).fetchone()[0])


def _weight(encoded: bytes) -> int:
    """What Python makes of JSON is larger, by what it is made of: values, lists and objects have sizes of their own."""
    return len(encoded) + 64 * encoded.count(b",") + 72 * encoded.count(b"[") + 200 * encoded.count(b"{")


_LAST = "SELECT max(seq) FROM state_changes WHERE session = ?"


def _snapshot_before(db: sqlite3.Connection, session: int, seq: int) -> tuple[int, str]:
    found: tuple[int, str] = db.execute(
        "SELECT seq, state FROM snapshots WHERE session = ? AND seq <= ? ORDER BY seq DESC LIMIT 1", (session, seq)
    ).fetchone()
    return found


def _patches(db: sqlite3.Connection, session: int, after: int, upto: int) -> sqlite3.Cursor:
    return db.execute(
        "SELECT seq, time, patch FROM state_changes WHERE session = ? AND seq > ? AND seq <= ? ORDER BY seq",
        (session, after, upto),
    )
