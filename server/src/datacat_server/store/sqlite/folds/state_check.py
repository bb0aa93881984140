"""Whether the state of one session is or was so, read from the log of its changes: exact, and not for many sessions.

What was at a path some time is what a patch of the log has set there, scalars and arrays being set as a whole.
"""

import sqlite3
from functools import lru_cache
from typing import Any

import msgspec

from datacat_server.canonical import Path, canonical
from datacat_server.store.sqlite.folds.states import current_state

_decode = msgspec.json.decode
_encode = msgspec.json.Encoder().encode

# Up to here a whole number has no exponent, whichever type it had when it was sent.
_PLAIN = 10**15


def state_holds(db: sqlite3.Connection, session: int, relation: str, path: str, value: str) -> bool:
    """Whether a condition holds of a session. `path` is a JSON array of keys, `value` JSON text."""
    keys, wanted, needle = _question(path, value, relation)
    now, element = relation in ("is", "contains"), relation in ("contains", "contained")
    if now:
        return _has(current_state(db, session), keys, wanted, element)
    query = "SELECT patch FROM state_changes WHERE session = ? AND instr(patch, ?)"
    return any(_has(_decode(patch), keys, wanted, element) for (patch,) in db.execute(query, (session, needle)))


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
