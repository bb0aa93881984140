"""A file that takes some space while there is plenty, and is given up so that a full disk can be freed.

Removing sessions needs space before it gives any: what is removed is written to the log first, and the log grows as
long as it cannot be moved into the database. The ballast is as large as the log is between two checkpoints, so without
it there is room for one checkpoint; the log is empty then, and removing goes into what it took.
"""

import os
import shutil
import sqlite3
from contextlib import suppress
from pathlib import Path

FILE_NAME = "ballast"
SIZE = 4 * 1024 * 1024
_PLENTY = 10 * SIZE


class Ballast:
    """The ballast of a data folder, shared by every process that uses it."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE_NAME

    def make(self, free: int = _PLENTY) -> None:
        """Make it where there is none and at least `free` bytes are free; no error where that cannot be."""
        with suppress(OSError):
            if self._path.exists() or shutil.disk_usage(self._path.parent).free < free:
                return
            try:
                with self._path.open("xb") as file:
                    self._path.chmod(0o600)
                    _allocate(file.fileno())
            except OSError:
                self._path.unlink(missing_ok=True)  # half of it would be taken for all of it
                raise

    def give_up(self) -> bool:
        """Free its space; whether there was any."""
        try:
            self._path.unlink()
        except OSError:
            return False
        return True


def empty_log(db: sqlite3.Connection) -> None:
    """Move the whole log into the database and give its space back, unless somebody reads what is older."""
    (patience,) = db.execute("PRAGMA busy_timeout").fetchone()
    db.execute("PRAGMA busy_timeout = 200")
    try:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    except sqlite3.Error:
        return  # what comes next finds out whether there is room
    finally:
        db.execute(f"PRAGMA busy_timeout = {patience}")


def _allocate(descriptor: int) -> None:
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(descriptor, 0, SIZE)
        return
    left = SIZE
    while left:
        left -= os.write(descriptor, bytes(left))
