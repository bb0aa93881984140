"""Connections to the file: how each is set up, and a pool of readers."""

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import Empty, SimpleQueue

from datacat_server.store.errors import StoreError
from datacat_server.store.sqlite.file.functions import add_functions
from datacat_server.store.sqlite.file.migrate import version_of
from datacat_server.store.sqlite.rows.failures import advice_at_opening, explained

FILE_NAME = "datacat.sqlite3"
_BUSY_SECONDS = 30.0


def connect(path: Path) -> sqlite3.Connection:
    """A connection that commits only when told to. Raises StoreError when there is no using the file.

    A file that is not there yet is made for its owner only, in whatever folder; what SQLite puts beside it follows.
    One that is not ours, or of a newer version, is left as it is.
    """
    connection = None
    try:
        with suppress(FileExistsError):
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        connection = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        if version_of(connection) == 0:
            # Only a file without tables takes it: free pages can be given back to the file system step by step.
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        connection.execute("PRAGMA journal_mode = WAL")
        # FULL: a commit has reached the disk when it returns, which is what an acknowledgement promises.
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA journal_size_limit = 67108864")
        connection.execute("PRAGMA temp_store = MEMORY")
        add_functions(connection)
    except BaseException as error:
        if connection is not None:
            connection.close()
        if isinstance(error, (sqlite3.Error, OSError)):
            advice = advice_at_opening(error)
            raise StoreError(f"{path} cannot be opened as a database: {error}{advice}") from error
        raise
    return connection


def connect_read_only(path: Path) -> sqlite3.Connection:
    """A connection that cannot change the file, whatever version it has. Raises sqlite3.Error.

    In WAL mode SQLite may put its two files beside it.
    """
    address = f"{path.absolute().as_uri()}?mode=ro"
    return sqlite3.connect(address, uri=True, timeout=_BUSY_SECONDS, isolation_level=None)


class Readers:
    """A pool of connections for reading; each `with readers.snapshot()` sees one unchanging state of the file.

    Raises StoreError where the file cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._idle: SimpleQueue[sqlite3.Connection] = SimpleQueue()
        self._closed = False
        self._closing = threading.Lock()

    @contextmanager
    def snapshot(self) -> Iterator[sqlite3.Connection]:
        try:
            connection = self._take()
        except sqlite3.Error as error:
            raise explained(error) from error
        try:
            connection.execute("BEGIN")
            yield connection
        except sqlite3.Error as error:
            raise explained(error) from error
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            self._give_back(connection)

    def _take(self) -> sqlite3.Connection:
        try:
            return self._idle.get_nowait()
        except Empty:
            connection = connect(self._path)
            connection.execute("PRAGMA query_only = 1")
            return connection

    def _give_back(self, connection: sqlite3.Connection) -> None:
        with self._closing:
            if not self._closed:
                self._idle.put(connection)
                return
        connection.close()

    def close(self) -> None:
        """Close what is idle; what is read from at this moment is closed when that is over."""
        with self._closing:
            self._closed = True
        while True:
            try:
                self._idle.get_nowait().close()
            except Empty:
                return
