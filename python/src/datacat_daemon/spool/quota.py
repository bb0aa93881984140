"""Keeps the whole spool within its bound: what nobody needs goes first, then nothing new is taken.

What a server has acknowledged is gone already: its segments are deleted as they are shipped. What servers would not
take has been kept for people to look at, for RETENTION_DAYS; when the spool is full it goes sooner, the oldest first.
If that is not enough, the file `full` tells all writers to drop, and to count, what they would write (`datacat.quota`).
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from datacat.quota import FULL

from datacat_daemon.spool.folders import process_folders
from datacat_daemon.spool.locks import FileLock
from datacat_daemon.spool.removal import is_rejected, remove_process, remove_rejected

RETENTION_DAYS = 30.0
_BLOCK = 512
_SHARE = 100.0


class SpoolQuota:
    """The bound of a spool.

    Args:
        spool: the folder that holds the process folders.
        limit: bytes that it may take.
    """

    def __init__(self, spool: Path, limit: int) -> None:
        self._spool = spool
        self._limit = limit
        self._next = 0.0

    def keep(self, at_once: bool = False) -> None:
        """Measure, remove and tell; unless `at_once`, not so often that it takes more than a hundredth of the time."""
        began = time.monotonic()
        if began < self._next and not at_once:
            return
        taken = sum(size_of(folder) for folder in self._folders())
        too_old = time.time() - RETENTION_DAYS * 86_400
        for changed, folder in self._rejected():
            if changed < too_old or taken >= self._limit:
                taken -= _remove(folder)
        self._tell(taken >= self._limit)
        self._next = time.monotonic() + (time.monotonic() - began) * _SHARE

    def _rejected(self) -> list[tuple[float, Path]]:
        """What servers would not take, the oldest first, with the time of its last change."""
        found = []
        for folder in self._folders():
            for session in _folders_in(folder):
                if is_rejected(session):
                    found.append(((session / "rejected").stat().st_mtime, session))
        return sorted(found)

    def _folders(self) -> list[Path]:
        try:
            return process_folders(self._spool)
        except OSError:
            return []

    def _tell(self, full: bool) -> None:
        path = self._spool / FULL
        try:
            if full:
                path.touch(mode=0o600)
            else:
                path.unlink(missing_ok=True)
        except OSError:
            pass  # a disk that takes no file takes no segments either


def size_of(folder: Path) -> int:
    """Bytes of disk that a folder takes, with all that is in it; what goes away meanwhile counts nothing."""
    taken = 0
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    taken += size_of(Path(entry.path))
                else:
                    taken += _taken_by(entry.stat(follow_symlinks=False))
    except OSError:
        pass
    return taken


def _taken_by(file: os.stat_result) -> int:
    if sys.platform == "win32":
        return file.st_size
    return file.st_blocks * _BLOCK


def _remove(session: Path) -> int:
    """Remove what is left of a session, unless a daemon looks after its process; how many bytes that gives back."""
    lock = FileLock(session.parent / "daemon.lock")
    if not lock.take():
        return 0
    try:
        before = size_of(session.parent)
        remove_rejected(session)
        remove_process(session.parent)
        return before - size_of(session.parent)
    except OSError:
        return 0
    finally:
        lock.release()


def _folders_in(folder: Path) -> list[Path]:
    try:
        return [path for path in folder.iterdir() if path.is_dir()]
    except OSError:
        return []
