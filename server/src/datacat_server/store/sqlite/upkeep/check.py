"""Looks at a database file, whole or by its structure only, without changing it."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import msgspec

from datacat_server.store.errors import StoreError
from datacat_server.store.sqlite.file.connection import connect_read_only
from datacat_server.store.sqlite.file.migrate import version_of
from datacat_server.store.sqlite.rows.failures import explained
from datacat_server.store.sqlite.upkeep.interruptible import interruptible

SQLITE_VERSION = sqlite3.sqlite_version
_MOST_PROBLEMS = 20
_INCREMENTAL = 2


class Contents(msgspec.Struct, frozen=True):
    """What is in a file: the version of its tables, its size in bytes, the part of it that is free, and its rows.

    `shrinks`: what becomes free is given back to the file system.
    """

    version: int
    bytes: int
    free_bytes: int
    rows: dict[str, int]
    shrinks: bool


@contextmanager
def looking_at(file: Path) -> Iterator[sqlite3.Connection]:
    """A connection that cannot change a file. Raises StoreError where the file cannot be read, also meanwhile."""
    try:
        with closing(connect_read_only(file)) as connection:
            yield connection
    except sqlite3.Error as error:
        raise explained(error) from error


def problems_in(connection: sqlite3.Connection, *, full: bool = True) -> list[str]:
    """What does not hold together in a file, at most 20 lines; empty for a sound one.

    Without `full`, indexes are not compared with their tables, which takes a part of the time. Raises StoreError where
    the file cannot be looked at.
    """
    try:
        with interruptible(connection):
            kind = "integrity" if full else "quick"
            rows = connection.execute(f"PRAGMA {kind}_check({_MOST_PROBLEMS})").fetchall()
    except sqlite3.DatabaseError as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            return [str(error)]
        raise explained(error) from error
    lines = [line for (text,) in rows for line in str(text).splitlines()]
    return [] if lines == ["ok"] else lines[:_MOST_PROBLEMS]


def contents_of(connection: sqlite3.Connection) -> Contents:
    """What is in a file. Raises StoreError where it is not ours, of a newer version, or cannot be read."""
    try:
        version = version_of(connection)
        if version == 0:
            raise StoreError("it is an empty database")
        page, pages, free = (
            connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_size", "page_count", "freelist_count")
        )
        shrinks = connection.execute("PRAGMA auto_vacuum").fetchone()[0] == _INCREMENTAL
        names = [row[0] for row in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        rows = {
            name: connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0]
            for name in sorted(names)
            if not name.startswith(("sqlite_", "session_search"))  # SQLite's own, and those of the index of texts
        }
    except sqlite3.Error as error:
        raise explained(error) from error
    return Contents(version, page * pages, page * free, rows, shrinks)


def has_trigrams(
    statement: str = "CREATE VIRTUAL TABLE t USING fts5(text, tokenize = 'trigram case_sensitive 1')",
) -> bool:
    """Whether SQLite makes such a table, which the database has one of."""
    with closing(sqlite3.connect(":memory:")) as db:
        try:
            db.execute(statement)
        except sqlite3.Error:
            return False
    return True
