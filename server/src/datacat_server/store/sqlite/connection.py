"""Connections to the file: how each is set up, the numbered migrations, and a pool of readers."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from importlib.resources import files
from pathlib import Path
from queue import Empty, SimpleQueue

from datacat_server.store.errors import StoreError
from datacat_server.store.sqlite.failures import explained

FILE_NAME = "datacat.sqlite3"
_BUSY_SECONDS = 30.0


def connect(path: Path) -> sqlite3.Connection:
    """A connection that commits only when told to. Raises StoreError when there is no using the file.

    A file that is not there yet is made for its owner only, in whatever folder; what SQLite puts beside it follows.
    """
    try:
        with suppress(FileExistsError):
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        connection = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA journal_mode = WAL")
        # FULL: a commit has reached the disk when it returns, which is what an acknowledgement promises.
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA journal_size_limit = 67108864")
        connection.execute("PRAGMA temp_store = MEMORY")
    except (sqlite3.Error, OSError) as error:
        advice = ""
        if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_NOTADB:
            advice = "; move it away, or set data_path to another folder"
        raise StoreError(f"{path} cannot be opened as a database: {error}{advice}") from error
    return connection


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the tables up to date, one numbered file after the other, each in its own transaction.

    Raises StoreError, and leaves the tables as they were, where a newer version or another program has made the file.
    """
    steps = _steps()
    for number, script in steps:
        connection.execute("BEGIN IMMEDIATE")
        try:
            # Asked inside the transaction: another process may be doing the same.
            if _version(connection) < number:
                for statement in script.split(";\n"):
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {number}")
            connection.execute("COMMIT")
        except BaseException as error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            if isinstance(error, sqlite3.OperationalError) and error.sqlite_errorcode == sqlite3.SQLITE_ERROR:
                raise _foreign(connection, str(error)) from error
            raise
    if _version(connection) > steps[-1][0]:
        raise StoreError(
            f"{_file(connection)} was written by a newer version of DataCat; update this one, or set data_path to "
            "another folder"
        )
    missing = _columns_of(steps) - _columns(connection)
    if missing:
        table, column = min(missing)
        raise _foreign(connection, f"table {table} has no column {column}")


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


def _columns_of(steps: list[tuple[int, str]]) -> set[tuple[str, str]]:
    """The columns that a new file has after these migrations."""
    with closing(sqlite3.connect(":memory:")) as fresh:
        for _, script in steps:
            fresh.executescript(script)
        return _columns(fresh)


def _foreign(connection: sqlite3.Connection, why: str) -> StoreError:
    return StoreError(
        f"{_file(connection)} is a database, but not one of DataCat ({why}); move it away, or set data_path to "
        "another folder"
    )


def _file(connection: sqlite3.Connection) -> str:
    path: str = connection.execute("PRAGMA database_list").fetchone()[2]
    return path


def _version(connection: sqlite3.Connection) -> int:
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return version


class Readers:
    """A pool of connections for reading; each `with readers.snapshot()` sees one unchanging state of the file.

    Raises StoreError where the file cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._idle: SimpleQueue[sqlite3.Connection] = SimpleQueue()

    @contextmanager
    def snapshot(self) -> Iterator[sqlite3.Connection]:
        connection = self._take()
        try:
            connection.execute("BEGIN")
            yield connection
        except sqlite3.Error as error:
            raise explained(error) from error
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            self._idle.put(connection)

    def _take(self) -> sqlite3.Connection:
        try:
            return self._idle.get_nowait()
        except Empty:
            connection = connect(self._path)
            connection.execute("PRAGMA query_only = 1")
            return connection

    def close(self) -> None:
        while True:
            try:
                self._idle.get_nowait().close()
            except Empty:
                return
