"""Who uses a data folder: every store shares its lock, and what replaces the database needs it alone.

It is a `flock` on a file of the folder: the kernel lets go of it when its holder dies, however it dies.
"""

import fcntl
import os
from pathlib import Path

from datacat_server.store.errors import StoreError

LOCK_NAME = "datacat.lock"


class DataLock:
    """The lock of one data folder."""

    def __init__(self, data_path: Path) -> None:
        self._folder = data_path
        self._descriptor = -1

    def share(self) -> None:
        """Use the folder beside others. Raises StoreError while its database is being replaced."""
        self._take(fcntl.LOCK_SH, "its database is being replaced; start again when that is done")

    def take_alone(self) -> None:
        """Keep others out. Raises StoreError while a server, a web UI or another command uses the folder."""
        self._take(fcntl.LOCK_EX, "a server, a web UI or another command is using it; stop that first")

    def release(self) -> None:
        """Let go of it."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _take(self, kind: int, otherwise: str) -> None:
        try:
            self._descriptor = os.open(self._folder / LOCK_NAME, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise StoreError(f"data_path: {self._folder} cannot be written: {error.strerror}") from error
        try:
            fcntl.flock(self._descriptor, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            self.release()
            raise StoreError(f"data_path: {self._folder}: {otherwise}") from None
