"""What a path of a state has had that has too many values for the index of states (search_terms.py): their digests.

Eight bytes for each, one behind the other, in parts that fit into a page with others. A value is looked for with
SQLite's `instr`, which reads a gigabyte a second: so no log of a state is read, and of a session with a value there is
a digest for sure; one of another value is the same in one of 10^13 questions about a million values. A digest that
stands in the last part is not added again, so that what goes back and forth between some values does not grow.

A value whose text is long, and so a digest already that begins with a `#`, is left to the log of the state.
"""

import sqlite3
from collections.abc import Iterable
from hashlib import blake2b

_SIZE = 8
_PART = 100 * _SIZE

LONGEST_ARRAY = 100
"""The text of an array with more elements is long."""


def is_digested(text: str) -> bool:
    """Whether a value with this text, as it stands in a term, is among the past values."""
    return not text.startswith("#")


def digest(text: str) -> bytes:
    """What is looked for."""
    return blake2b(text.encode(), digest_size=_SIZE).digest()


def add_past_values(db: sqlite3.Connection, session: int, path: str, texts: Iterable[str]) -> None:
    """Add what a path has had, by its texts."""
    query = "SELECT part, digests FROM past_values WHERE path = ? AND session = ? ORDER BY part DESC LIMIT 1"
    part, last = db.execute(query, (path, session)).fetchone() or (0, b"")
    added = [found for text in texts if is_digested(text) and (found := digest(text)) not in last]
    digests = last + b"".join(added)
    if added:
        db.executemany(
            "INSERT OR REPLACE INTO past_values VALUES (?, ?, ?, ?)",
            [
                (path, session, part + place, digests[begin : begin + _PART])
                for place, begin in enumerate(range(0, len(digests), _PART))
            ],
        )


def read_past_values(db: sqlite3.Connection, session: int, path: str, where: str = "main") -> set[bytes]:
    """The digests of a path; `where`: the database of the connection."""
    query = f"SELECT digests FROM {where}.past_values WHERE path = ? AND session = ?"
    parts = [digests for (digests,) in db.execute(query, (path, session))]
    return {part[begin : begin + _SIZE] for part in parts for begin in range(0, len(part), _SIZE)}


def clear_past_values(db: sqlite3.Connection, session: int, most: int) -> int:
    """Remove at most so many parts of a session, whose `overflows` are still there; how many. -1: all."""
    return db.execute(
        "DELETE FROM past_values WHERE (path, session, part) IN (SELECT path, session, part"
        " FROM overflows JOIN past_values USING (path, session) WHERE session = ? AND kind = 0 LIMIT ?)",
        (session, most),
    ).rowcount
