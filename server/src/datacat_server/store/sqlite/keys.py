"""The table of API keys."""

import sqlite3
from collections.abc import Mapping
from datetime import datetime

from msgspec import structs

from datacat_server.store.keys import NameTaken, StoredKey, UnknownKey
from datacat_server.store.sqlite.rows.times import to_datetime, to_microseconds, to_optional_datetime

_COLUMNS = "id, name, scopes, digest, created, last_used, revoked"


def read_keys(db: sqlite3.Connection) -> list[StoredKey]:
    """All keys, in the order in which they were made."""
    return [_key(*row) for row in db.execute(f"SELECT {_COLUMNS} FROM keys ORDER BY created, id")]


def insert_key(db: sqlite3.Connection, key: StoredKey) -> None:
    """A row for a new key. Raises NameTaken."""
    if db.execute("SELECT 1 FROM keys WHERE name = ? AND revoked IS NULL", (key.name,)).fetchone():
        raise NameTaken(key.name)
    row = (key.id, key.name, " ".join(key.scopes), key.digest, to_microseconds(key.created))
    db.execute("INSERT INTO keys (id, name, scopes, digest, created) VALUES (?, ?, ?, ?, ?)", row)


def revoke(db: sqlite3.Connection, name: str, at: datetime) -> StoredKey:
    """Mark the key in force with this name, or else this id, as revoked. Raises UnknownKey."""
    query = f"SELECT {_COLUMNS} FROM keys WHERE revoked IS NULL AND ? IN (name, id) ORDER BY name = ? DESC"
    row = db.execute(query, (name, name)).fetchone()
    if row is None:
        raise UnknownKey(name)
    key = _key(*row)
    db.execute("UPDATE keys SET revoked = ? WHERE id = ?", (to_microseconds(at), key.id))
    return structs.replace(key, revoked=at)


def note_uses(db: sqlite3.Connection, uses: Mapping[str, datetime]) -> None:
    """Bring the times of the last use up to date."""
    rows = [(to_microseconds(at), key_id) for key_id, at in uses.items()]
    db.executemany("UPDATE keys SET last_used = max(ifnull(last_used, 0), ?) WHERE id = ?", rows)


def _key(
    key_id: str, name: str, scopes: str, digest: bytes, created: int, last_used: int | None, revoked: int | None
) -> StoredKey:
    return StoredKey(
        id=key_id,
        name=name,
        scopes=tuple(scopes.split()),
        digest=digest,
        created=to_datetime(created),
        last_used=to_optional_datetime(last_used),
        revoked=to_optional_datetime(revoked),
    )
