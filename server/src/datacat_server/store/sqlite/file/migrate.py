"""The numbered migrations: which version a file has, whether it is ours at all, and bringing it up to date.

The version is `PRAGMA user_version`. A file that is of a newer version, or of another program, is not written to.
"""

import sqlite3
from contextlib import closing
from functools import cache
from importlib.resources import files

from datacat_server.store.errors import StoreError
from datacat_server.store.progress import Progress
from datacat_server.store.sqlite.file.backfill import any_left, backfill, note_backfill


class UnfitFile(StoreError):
    """A file that this program does not use; `reason` goes on after the file's name and says no more than why."""

    def __init__(self, file: str, reason: str, advice: str) -> None:
        super().__init__(f"{file} {reason}; {advice}, or set data_path to another folder")
        self.reason = reason


def newest_version() -> int:
    """The version that this program brings files to."""
    return _steps()[-1][0]


def version_of(connection: sqlite3.Connection) -> int:
    """The version of a file, 0 for an empty one, read without writing anything.

    Raises UnfitFile where a newer version or another program has made the file.
    """
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    found = _columns(connection)
    if version > newest_version():
        raise UnfitFile(
            _file(connection),
            f"was written by a newer version of DataCat (its tables are of version {version}, known here are those "
            f"up to {newest_version()})",
            "update this one",
        )
    if version == 0 and found:
        raise _foreign(connection, f"it has a table {min(found)[0]}, and no version")
    if missing := _columns_of(version) - found:
        table, column = min(missing)
        raise _foreign(connection, f"table {table} has no column {column}")
    return version


def migrate(connection: sqlite3.Connection, progress: Progress | None = None) -> None:
    """Bring the tables up to date, one numbered file after the other, each in its own transaction, and then what
    they are to hold of the data that was there before them.

    Raises UnfitFile as `version_of` does, and sqlite3.Error where a step fails, which leaves the version before it.
    What is broken off while the data is folded goes on from there. `progress` is told how many sessions are folded.
    """
    if version_of(connection) < newest_version():
        _make_tables(connection)
    if any_left(connection):
        backfill(connection, progress)


def _make_tables(connection: sqlite3.Connection) -> None:
    for number, script in _steps():
        connection.execute("BEGIN IMMEDIATE")
        try:
            # Asked inside the transaction: another process may be doing the same.
            if version_of(connection) < number:
                for statement in script.split(";\n"):
                    connection.execute(statement)
                note_backfill(connection, number)
                connection.execute(f"PRAGMA user_version = {number}")
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise


@cache
def _steps() -> list[tuple[int, str]]:
    return sorted(
        (int(entry.name.removesuffix(".sql")), entry.read_text())
        for entry in (files(__package__) / "migrations").iterdir()
        if entry.name.endswith(".sql")
    )


def _columns(connection: sqlite3.Connection) -> set[tuple[str, str]]:
    """Every column of every table, as (table, column)."""
    return set(
        connection.execute(
            "SELECT t.name, c.name FROM sqlite_schema AS t, pragma_table_info(t.name) AS c WHERE t.type = 'table'"
        )
    )


@cache
def _columns_of(version: int) -> set[tuple[str, str]]:
    """The columns that a new file has after the migrations up to a version."""
    with closing(sqlite3.connect(":memory:")) as fresh:
        for number, script in _steps():
            if number <= version:
                fresh.executescript(script)
        return _columns(fresh)


def _foreign(connection: sqlite3.Connection, why: str) -> UnfitFile:
    return UnfitFile(_file(connection), f"is a database, but not one of DataCat ({why})", "move it away")


def _file(connection: sqlite3.Connection) -> str:
    path: str = connection.execute("PRAGMA database_list").fetchone()[2]
    return path
