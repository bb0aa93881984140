"""Release health as it comes in: sessions counted by product, version and the day of their creation (UTC).

A session is counted by what stands in its row of `sessions`, in the transaction that writes the row: so the row says
how it is counted, and nothing else has to remember that.
"""

import sqlite3
from typing import NamedTuple

DAY = 86_400_000_000


class Counted(NamedTuple):
    """What a session is counted as. `created` in microseconds; `machine`: its id, else its name."""

    product: str
    version: str
    machine: str | None
    hostname: str | None
    created: int
    crashed: bool
    hung: bool
    ended: bool

    @property
    def outcome(self) -> tuple[int, int, int]:
        """Crashed, hung (ever), ended without a crash; each 0 or 1."""
        return int(self.crashed), int(self.hung), int(self.ended and not self.crashed)


def read_counted(db: sqlite3.Connection, session: int) -> Counted:
    """How a session is counted, by its row."""
    product, version, machine, hostname, created, crashed, hung, ended = db.execute(
        "SELECT product, version, coalesce(machine_id, hostname), hostname, created, crashed, ever_hung,"
        " ended IS NOT NULL FROM sessions WHERE id = ?",
        (session,),
    ).fetchone()
    return Counted(product, version, machine, hostname, created, bool(crashed), bool(hung), bool(ended))


def recount(db: sqlite3.Connection, before: Counted | None, now: Counted | None) -> None:
    """Count a session in another way than before; None: not at all. Its row in `sessions` is as it is now."""
    if before is not None and now is not None and _place(before) == _place(now):
        if before.outcome != now.outcome:
            changes = tuple(new - old for old, new in zip(before.outcome, now.outcome, strict=True))
            _add(db, now, (0, *changes))
        return
    if now is not None:
        _add(db, now, (1, *now.outcome))
        db.execute(
            "UPDATE releases SET first = min(first, ?1), last = max(last, ?1) WHERE product = ?2 AND version = ?3",
            (now.created, now.product, now.version),
        )
    if before is not None:
        _add(db, before, (-1, *(-count for count in before.outcome)))
        _clean(db, before)


def first_seen(db: sqlite3.Connection, product: str) -> dict[str, int]:
    """The versions of a product and when each was first seen, in microseconds."""
    return dict(db.execute("SELECT version, first FROM releases WHERE product = ?", (product,)))


def _place(counted: Counted) -> tuple[str, str, int]:
    return counted.product, counted.version, counted.created


def _add(db: sqlite3.Connection, counted: Counted, changes: tuple[int, ...]) -> None:
    added = ", ".join(f"{name} = {name} + excluded.{name}" for name in ("sessions", "crashed", "hung", "ended"))
    values = (counted.product, counted.version, counted.created, *changes)
    db.execute(
        "INSERT INTO releases (product, version, first, last, sessions, crashed, hung, ended)"
        f" VALUES (?1, ?2, ?3, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO UPDATE SET {added}",
        values,
    )
    db.execute(
        "INSERT INTO release_days (product, version, day, sessions, crashed, hung, ended)"
        f" VALUES (?1, ?2, ?3 / {DAY}, ?4, ?5, ?6, ?7) ON CONFLICT DO UPDATE SET {added}",
        values,
    )


def _clean(db: sqlite3.Connection, counted: Counted) -> None:
    """After a session has left a release: nothing stays that counts none, and first and last are those of the rest."""
    release = (counted.product, counted.version)
    db.execute(
        "DELETE FROM release_days WHERE product = ? AND version = ? AND day = ? AND sessions = 0",
        (*release, counted.created // DAY),
    )
    of_rest = "FROM sessions WHERE product = ?1 AND version = ?2"
    if not db.execute("DELETE FROM releases WHERE product = ? AND version = ? AND sessions = 0", release).rowcount:
        db.execute(
            f"UPDATE releases SET first = (SELECT min(created) {of_rest}), last = (SELECT max(created) {of_rest})"
            " WHERE product = ?1 AND version = ?2",
            release,
        )
