"""Whether the state of one session is or was so, read from the log of its changes: exact, and not for many sessions.

What was at a path some time is what a patch of the log has set there, scalars and arrays being set as a whole. A log
only grows: where the same is asked again, only what has come since is read.
"""

import sqlite3
from collections import OrderedDict
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import Any

import msgspec

from datacat_server.canonical import Path, canonical
from datacat_server.store.sqlite.folds.states import current_state

_decode = msgspec.json.decode
_encode = msgspec.json.Encoder().encode

MOST_REMEMBERED = 3_000
"""Answers that a connection remembers: 1 MB, whatever they answer."""

# Up to here a whole number has no exponent, whichever type it had when it was sent.
_PLAIN = 10**15


class StateCheck:
    """Answers for one connection, whose snapshots follow one another in time.

    It remembers some thousand answers, each by a digest of the question, which may be long: where in the log the value
    was found, or up to where it was looked for. Which log that was, its first change and the last one that was looked
    at tell.
    """

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._known: OrderedDict[bytes, _Known] = OrderedDict()

    def holds(self, session: int, relation: str, path: str, value: str) -> bool:
        """Whether a condition holds of a session. `path` is a JSON array of keys, `value` JSON text."""
        keys, wanted, needle = _question(path, value, relation)
        now, element = relation in ("is", "contains"), relation in ("contains", "contained")
        if now:
            return _has(current_state(self._db, session), keys, wanted, element)
        asked = blake2b(_encode((session, relation, path, value)), digest_size=16).digest()
        known = self._known.pop(asked, None)
        if known is None or known.log != self._log(session, known.seq):
            known = _Known(-1, False, None)
        if not known.found:
            known = self._look(session, known.seq, needle, keys, wanted, element)
        if known.log is not None:
            self._known[asked] = known
            if len(self._known) > MOST_REMEMBERED:
                self._known.popitem(last=False)
        return known.found

    def _look(self, session: int, after: int, needle: str, keys: Path, wanted: str, element: bool) -> "_Known":
        """Look through the changes after one."""
        query = "SELECT seq, patch FROM state_changes WHERE session = ? AND seq > ? AND instr(patch, ?) ORDER BY seq"
        for seq, patch in self._db.execute(query, (session, after, needle)):
            if _has(_decode(patch), keys, wanted, element):
                return _Known(seq, True, self._log(session, seq))
        (last,) = self._db.execute("SELECT max(seq) FROM state_changes WHERE session = ?", (session,)).fetchone()
        return _Known(-1, False, None) if last is None else _Known(last, False, self._log(session, last))

    def _log(self, session: int, seq: int) -> int | None:
        """What tells the log of a session up to a change from that of another one which got its number later."""
        query = "SELECT rowid, time, patch FROM state_changes WHERE session = ? AND seq IN (0, ?) ORDER BY seq"
        rows = self._db.execute(query, (session, seq)).fetchall()
        return hash(tuple(rows)) if rows else None


@dataclass(frozen=True, slots=True)
class _Known:
    """`found` in change `seq`, or in none up to it."""

    seq: int
    found: bool
    log: int | None


@lru_cache(64)
def _question(path: str, value: str, relation: str) -> tuple[Path, str, str]:
    """The keys, the canonical text looked for, and what a patch that sets it is sure to have in its own text."""
    keys, wanted = tuple(_decode(path)), _decode(value)
    text = _encode(wanted).decode()
    if relation == "contained":
        text = "["
    elif isinstance(wanted, list | dict):
        text = text[0]
    elif isinstance(wanted, float) and wanted.is_integer():
        text = str(int(wanted))
    if text.lstrip("-").isdigit() and not 0 < abs(int(text)) < _PLAIN:
        text = ""  # zero may have a sign
    return keys, canonical(wanted), f"{_encode(keys[-1]).decode()}:{text}"


def _has(state: Any, keys: Path, wanted: str, element: bool) -> bool:
    for key in keys:
        if not isinstance(state, dict) or key not in state:
            return False
        state = state[key]
    if element:
        return isinstance(state, list) and any(canonical(item) == wanted for item in state)
    return state is not None and not isinstance(state, dict) and canonical(state) == wanted
