"""A session's own texts that are looked through: its id, product, version, machine and reason, in folded case."""

import sqlite3

_BETWEEN = "\x1f"
_NOT_IN_TEXTS = str.maketrans({_BETWEEN: "\ufffd", "\0": "\ufffd"})  # a NUL ends a text for some of SQLite's functions

_WRITE = (
    "INSERT INTO session_texts SELECT id, searchable(session_id, product, version, machine_id, hostname, reason)"
    " FROM sessions WHERE {} ON CONFLICT (session) DO UPDATE SET text = excluded.text"
)


def folded(text: str) -> str:
    """The text as it is compared: whatever the case of its letters."""
    return text.casefold().translate(_NOT_IN_TEXTS)


def searchable(*texts: str | None) -> str:
    """All texts of a session as one, parted so that nothing is found across two of them."""
    return _BETWEEN.join(folded(text) for text in texts if text)


def write_text(db: sqlite3.Connection, session: int) -> None:
    """Bring the text of a session up to date with its row."""
    db.execute(_WRITE.format("id = ?"), (session,))


def write_every_text(db: sqlite3.Connection) -> None:
    db.execute(_WRITE.format("TRUE"))
