"""Sessions whose machine has come back without them: found when a new session of the machine begins.

A row in `returns` is a return that is not settled yet: whether the older session is heard of within the heartbeat
timeout is looked at then.
"""

import sqlite3

from msgspec import Struct

from datacat_server.store.sqlite.writing.live import LiveSession

_MOST_AT_ONCE = 100
_MOST_SETTLED_AT_ONCE = 500


class Return(Struct, frozen=True):
    """A machine has come back without session number `session`.

    `since`: when, by the server's clock; `began`: when its new session `successor` began, by the machine's.
    """

    session: int
    session_id: str
    since: int
    successor: str
    began: int


def left_behind(db: sqlite3.Connection, newcomer: LiveSession) -> list[tuple[str, bool]]:
    """The suspended sessions of a new session's machine that were last heard before it began; the newest first.

    Each with whether the machine was started again since. Of another host's name it is another machine, whatever it
    says: clones have the same id.
    """
    if newcomer.machine_id is None:
        return []
    rows = db.execute(
        "SELECT session_id, boot_id FROM sessions WHERE machine_id = ? AND suspended = 1 AND ended IS NULL AND id <> ?"
        " AND coalesce(hostname = ?, 1) AND min(updated, received) < ? AND id NOT IN (SELECT session FROM returns)"
        " ORDER BY id DESC LIMIT ?",
        (newcomer.machine_id, newcomer.row, newcomer.hostname, newcomer.created, _MOST_AT_ONCE),
    )
    return [(session_id, bool(boot and newcomer.boot_id and boot != newcomer.boot_id)) for session_id, boot in rows]


def note_return(db: sqlite3.Connection, session: int, since: int, successor: str, began: int) -> None:
    db.execute("INSERT INTO returns VALUES (?, ?, ?, ?)", (session, since, successor, began))


def forget_return(db: sqlite3.Connection, session: int) -> bool:
    """Whether there was something to forget."""
    return db.execute("DELETE FROM returns WHERE session = ?", (session,)).rowcount > 0


def returns_before(db: sqlite3.Connection, instant: int) -> list[Return]:
    """The oldest returns that are not settled, of those up to an instant."""
    rows = db.execute(
        "SELECT returns.session, session_id, since, successor, began FROM returns"
        " JOIN sessions ON sessions.id = returns.session WHERE since <= ? ORDER BY since LIMIT ?",
        (instant, _MOST_SETTLED_AT_ONCE),
    )
    return [Return(*row) for row in rows]
