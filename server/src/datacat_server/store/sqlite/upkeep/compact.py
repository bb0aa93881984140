"""Rewrites the file without gaps, while nobody else uses it. Afterwards it gives free pages back by itself."""

import sqlite3
from contextlib import closing
from pathlib import Path

from datacat_server.store.errors import StoreError
from datacat_server.store.sqlite.file.connection import FILE_NAME, connect
from datacat_server.store.sqlite.file.lock import DataLock
from datacat_server.store.sqlite.rows.failures import explained
from datacat_server.store.sqlite.upkeep.interruptible import interruptible


def check_alone(data_path: Path) -> None:
    """Raises StoreError where the folder is in use, so that `compact` cannot be done."""
    lock = DataLock(data_path)
    lock.take_alone()
    lock.release()


def compact(data_path: Path) -> None:
    """Rewrite the database of a data folder; needs free space for two more of it.

    Raises StoreError, with the file as it was, where the folder is in use or there is no room.
    """
    lock = DataLock(data_path)
    lock.take_alone()
    try:
        with closing(connect(data_path / FILE_NAME)) as connection:
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")  # what VACUUM makes of it, if it is not so yet
            with interruptible(connection):
                connection.execute("VACUUM")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except sqlite3.Error as error:
        found = explained(error)
        raise StoreError(f"the file could not be rewritten: {found}") from error
    finally:
        lock.release()
