"""Finds what other daemons have left behind, and keeps the spool within its bound.

One daemon per spool does that: the one that holds `janitor.lock`.
"""

from __future__ import annotations

import time
from pathlib import Path

from datacat_daemon.spool.folders import process_folders
from datacat_daemon.spool.locks import FileLock
from datacat_daemon.spool.quota import SpoolQuota
from datacat_daemon.watching.process import process_of, watch_process

GRACE_SECONDS = 10.0
"""A process folder that changed more recently than this may have a daemon that is just being started."""


class Janitor:
    """Looks through a spool for process folders that nobody looks after.

    Args:
        spool: the folder that holds the process folders.
        limit: bytes that the whole spool may take.
    """

    def __init__(self, spool: Path, limit: int) -> None:
        self._spool = spool
        self._quota = SpoolQuota(spool, limit)
        self._lock = FileLock(spool / "janitor.lock")

    @property
    def on_duty(self) -> bool:
        """This daemon is the one."""
        return self._lock.held

    def go_on_duty(self) -> bool:
        """Become the one, if nobody is."""
        return self._lock.take()

    def go_off_duty(self) -> None:
        """Leave it to another."""
        if self._lock.held:
            self._quota.keep(at_once=True)  # nobody may be there to take back what it says
        self._lock.release()

    def keep_quota(self) -> None:
        """See that the spool does not grow beyond its bound."""
        self._quota.keep()

    def find(self, known: set[Path]) -> tuple[list[Path], bool]:
        """Folders to adopt, if their lock is free; and whether there will be more soon.

        Args:
            known: process folders that need no look.

        More there will be where a process has ended and its folder is too young to be taken over.
        """
        adoptable = []
        soon = False
        for folder in self._folders():
            if folder in known:
                continue
            try:
                age = time.time() - folder.stat().st_mtime
            except OSError:
                continue
            if age > GRACE_SECONDS or age < -GRACE_SECONDS:
                adoptable.append(folder)
            elif not runs(folder):
                soon = True
        return adoptable, soon

    def _folders(self) -> list[Path]:
        try:
            return process_folders(self._spool)
        except OSError:
            return []


def runs(folder: Path) -> bool:
    """The process of a process folder runs."""
    named = process_of(folder)
    process = None if named is None else watch_process(*named)
    if process is None:
        return False
    ended = process.has_ended()
    process.close()
    return not ended
