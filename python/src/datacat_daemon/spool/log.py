"""`daemon.log` of a process folder: short and bounded. Writing to it never fails.

One descriptor is held in reserve for it: that there is none left is what it must be able to say.
"""

from __future__ import annotations

import contextlib
import errno
import os
import time
from pathlib import Path

LIMIT = 128 << 10
REPEAT_SECONDS = 60.0
TAKES_AGAIN = " takes records again"


class DaemonLog:
    """Appends lines with their time; at LIMIT bytes the file starts anew and the old one stays as `daemon.log.1`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._recent: dict[str, float] = {}

    def write(self, message: str) -> None:
        """Append one line. The same line again within a minute is left out."""
        now = time.monotonic()
        if now - self._recent.get(message, -REPEAT_SECONDS) < REPEAT_SECONDS:
            return
        if len(self._recent) > 100:
            self._recent.clear()
        self._recent[message] = now
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        line = f"{stamp} [{os.getpid()}] {message}\n".encode("utf-8", "replace")
        try:
            descriptor = self._open()
            try:
                os.write(descriptor, line)
                size = os.fstat(descriptor).st_size
            finally:
                os.close(descriptor)
            if size > LIMIT:
                os.replace(self._path, self._path.with_name(self._path.name + ".1"))
        except OSError:
            pass
        _reserve.take()

    def _open(self) -> int:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        try:
            return os.open(self._path, flags, 0o600)
        except OSError as error:
            if error.errno != errno.EMFILE:
                raise
        _reserve.give()
        return os.open(self._path, flags, 0o600)


def last_trouble(folder: Path, session: str | None = None) -> str | None:
    """Which server did not take records of a process folder, or of one of its sessions, at last, and why.

    None where nothing is told of that, or it takes them again.
    """
    try:
        lines = (folder / "daemon.log").read_text(errors="replace").splitlines()
    except OSError:
        return None
    for line in reversed(lines):
        told = line.partition("] ")[2].partition(": ")
        if "://" in told[2] and session in (None, told[0]):
            return None if told[2].endswith(TAKES_AGAIN) else told[2]
    return None


class _Reserve:
    """A descriptor that can be given up where one is needed."""

    def __init__(self) -> None:
        self._descriptor = -1

    def take(self) -> None:
        if self._descriptor < 0:
            with contextlib.suppress(OSError):
                self._descriptor = os.open(os.devnull, os.O_RDONLY)

    def give(self) -> None:
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)


_reserve = _Reserve()
