"""`daemon.log` of a process folder: short and bounded. Writing to it never fails."""

from __future__ import annotations

import os
import time
from pathlib import Path

LIMIT = 128 << 10
REPEAT_SECONDS = 60.0


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
            descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            try:
                os.write(descriptor, line)
                size = os.fstat(descriptor).st_size
            finally:
                os.close(descriptor)
            if size > LIMIT:
                os.replace(self._path, self._path.with_name(self._path.name + ".1"))
        except OSError:
            pass
