"""Advisory locks by file: the kernel lets go of them when their holder dies, however it dies."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from datacat_daemon.spool.files import open_lock

if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # the first byte, of a file that has none

else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


class FileLock:
    """An exclusive lock on a file, which is made if need be."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = -1

    @property
    def held(self) -> bool:
        """This object holds the lock."""
        return self._descriptor >= 0

    def take(self) -> bool:
        """Take the lock if it is free; True if this object holds it now."""
        if self._descriptor >= 0:
            return True
        try:
            descriptor = open_lock(self._path)
        except OSError:
            return False
        try:
            _lock(descriptor)
        except OSError:
            os.close(descriptor)
            return False
        self._descriptor = descriptor
        return True

    def release(self) -> None:
        """Let go of it."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
