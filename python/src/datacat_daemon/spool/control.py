"""The daemon's side of a session's control page (layout: `datacat.control`)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from datacat import control as layout

from datacat_daemon.spool.files import open_to_read, read_at

_READ_SIZE = layout.EXIT_US + 8


class Control(NamedTuple):
    """The fields of a control page as they were at one look; times in microseconds since 1970 UTC, 0 for never."""

    beats: int = 0
    monitoring: int = 0
    timeout_us: int = 0
    paused: int = 0
    ended_us: int = 0
    end_kind: int = 0
    uncaught_us: int = 0
    dropped: int = 0
    flush: int = 0
    urgent: int = 0
    stack_signal: int = 0
    exit_status_plus_one: int = 0
    exit_us: int = 0

    @property
    def exit_status(self) -> int | None:
        """The exit status, as waitpid gives it, where a parent that waited for the process has written it."""
        return self.exit_status_plus_one - 1 if self.exit_status_plus_one else None


class ControlReader:
    """Looks at a control page again and again. One that is missing or damaged reads as one where nothing happened.

    Args:
        path: the page's file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = -1
        self._last = Control()
        self._page = b""

    def read(self) -> Control:
        """The page as it is now; as it was last where it is gone.

        Raises OSError where it is there and cannot be read: that must not pass for one where nothing happened.
        """
        try:
            if self._descriptor < 0:
                self._descriptor = open_to_read(self._path)
        except FileNotFoundError:
            return self._last
        page = read_at(self._descriptor, _READ_SIZE, 0)
        if page == self._page:
            return self._last
        if len(page) == _READ_SIZE and page[:8] == layout.MAGIC:
            fields = (layout.FIELD.unpack_from(page, offset)[0] for offset in range(8, _READ_SIZE, 8))
            self._last = Control(*fields)
            self._page = page
        return self._last

    def close(self) -> None:
        """Let go of the page."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
