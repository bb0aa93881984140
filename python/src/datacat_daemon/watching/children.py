"""The forked children of a session's process: who of them still runs, and how many records they could not keep.

A child that inherits a session makes a control page of its own, `control.<pid>-<start>`, at the fork, before it logs
anything. Pid and start time name it for good where there is a `/proc`. Elsewhere the start is 0; then a process that
began after the page was made is another one, which was given the pid later.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from datacat_daemon.spool.control import ControlReader
from datacat_daemon.watching.namespaces import whereabouts
from datacat_daemon.watching.process import PsProcess, read_stat

PREFIX = "control."
_CLOCK_SECONDS = 2.0


class _Child(NamedTuple):
    pid: int
    start: str
    path: Path


class Children:
    """The children of one session.

    Args:
        folder: the session's folder in the spool.
        namespace: the PID namespace of the session's process, None if it has said nothing about that.

    Attributes:
        dropped: how many records all of them could not keep.
    """

    def __init__(self, folder: Path, namespace: str | None = None) -> None:
        self.dropped = 0
        self._folder = folder
        self._namespace = namespace
        self._known: set[str] = set()
        self._running: dict[_Child, int] = {}
        self._dropped_by_dead = 0

    @property
    def running(self) -> bool:
        """One of them ran at the last look."""
        return bool(self._running)

    def look(self) -> None:
        """Look for new ones, and at those that run. Raises OSError where that cannot be done."""
        for name in os.listdir(self._folder) if self._folder.exists() else []:
            if name.startswith(PREFIX) and name not in self._known:
                self._known.add(name)
                pid, _, start = name[len(PREFIX) :].partition("-")
                if pid.isdigit() and start.isdigit():
                    self._running[_Child(int(pid), start, self._folder / name)] = 0
        for child in list(self._running):
            runs = _runs(child, self._namespace)
            page = ControlReader(child.path)
            self._running[child] = page.read().dropped
            page.close()
            if not runs:
                self._dropped_by_dead += self._running.pop(child)
        self.dropped = self._dropped_by_dead + sum(self._running.values())


def _runs(child: _Child, namespace: str | None) -> bool:
    if child.start != "0":
        seen_as = whereabouts(child.pid, child.start, namespace).pid
        stat = None if seen_as is None else read_stat(seen_as)
        return stat is not None and stat.start == child.start and not stat.ended
    try:
        began = PsProcess(child.pid).began
        return began is None or began <= child.path.stat().st_mtime + _CLOCK_SECONDS
    except OSError:
        return False
