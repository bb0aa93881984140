"""The forked children of a session's process: who of them still runs, and how many records they could not keep.

A child that inherits a session makes a control page of its own, `control.<pid>-<start>`, at the fork, before it logs
anything. Pid and start time name it for good on Linux and Windows. Elsewhere the start is 0; then a process that
began after the page was made is another one, which was given the pid later.

The page of a child that has ended goes once nothing that it wrote is in the folder any more: a process may have had
thousands of them. What it counted is kept in `children.json`: {"dropped": of all whose page went, "counted": [pages]};
a page that is named there and still lies in the folder has been counted.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

from datacat._compat import replace_file

from datacat_daemon.spool.control import ControlReader
from datacat_daemon.spool.reader import writers_in
from datacat_daemon.watching.namespaces import whereabouts
from datacat_daemon.watching.proc_stat import read_stat

PREFIX = "control."
SUM = "children.json"
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
        others: pids that write into the session without a page of their own.

    Attributes:
        dropped: how many records all of them could not keep.
        ended_writers: writers whose process has ended, with segments in the folder: there is nothing more to come.
    """

    def __init__(self, folder: Path, namespace: str | None = None, others: Collection[int] = ()) -> None:
        self.dropped = 0
        self.ended_writers: frozenset[str] = frozenset()
        self._folder = folder
        self._namespace = namespace
        self._others = frozenset(others)
        self._known: set[str] = set()
        self._running: dict[_Child, int] = {}
        self._ended: dict[_Child, int] = {}
        self._dropped_by_gone, self._counted = _read_sum(folder / SUM)

    @property
    def running(self) -> bool:
        """One of them ran at the last look."""
        return bool(self._running)

    def look(self) -> None:
        """Look for new ones, and at those that run. Raises OSError where that cannot be done."""
        self._find()
        for child in list(self._running):
            runs = _runs(child, self._namespace)
            page = ControlReader(child.path)
            try:
                self._running[child] = page.read().dropped
            finally:
                page.close()
            if not runs:
                self._ended[child] = self._running.pop(child)
        if self._ended or self.ended_writers or self._counted:
            self._look_at_ended()
        self.dropped = self._dropped_by_gone + sum(self._ended.values()) + sum(self._running.values())

    def _find(self) -> None:
        for name in os.listdir(self._folder) if self._folder.exists() else []:
            if name.startswith(PREFIX) and name not in self._known and name not in self._counted:
                pid, _, start = name[len(PREFIX) :].partition("-")
                self._known.add(name)
                if pid.isdigit() and start.isdigit():
                    self._running[_Child(int(pid), start, self._folder / name)] = 0

    def _look_at_ended(self) -> None:
        writers = {writer: _pid_of(writer) for writer in writers_in(self._folder)}
        # A pid may be given again. Whoever wrote one of these has made its page before: it is found now, and it runs.
        self._find()
        in_use = self._others.union(child.pid for child in self._running)
        ended = {child.pid for child in self._ended} - in_use
        self.ended_writers = frozenset(writer for writer, pid in writers.items() if pid in ended)
        written = set(writers.values())
        self._forget([child for child in self._ended if child.pid not in written])

    def _forget(self, children: list[_Child]) -> None:
        """Take away the pages of children that have left nothing else."""
        if not children and not self._counted:
            return
        dropped = self._dropped_by_gone + sum(self._ended[child] for child in children)
        counted = self._counted.union(child.path.name for child in children)
        if dropped:
            content = json.dumps({"dropped": dropped, "counted": sorted(counted)})
            replace_file(str(self._folder / SUM), content.encode("ascii"))
        self._dropped_by_gone = dropped
        for child in children:
            del self._ended[child]
        for name in counted:
            with contextlib.suppress(FileNotFoundError):
                (self._folder / name).unlink()
        self._known -= counted
        self._counted = frozenset()


def _read_sum(path: Path) -> tuple[int, frozenset[str]]:
    try:
        content = json.loads(path.read_bytes())
        names = frozenset(str(name) for name in content["counted"])
        return int(content["dropped"]), frozenset(name for name in names if (path.parent / name).exists())
    except (OSError, ValueError, KeyError, TypeError):
        return 0, frozenset()


def _pid_of(writer: str) -> int:
    """Of a writer of the application (`<pid>-<random>-<n>`), 0 of another."""
    pid = writer.partition("-")[0]
    return int(pid) if pid.isdigit() else 0


if sys.platform == "win32":
    from datacat_daemon.watching.process import watch_process

    def _runs(child: _Child, namespace: str | None) -> bool:
        process = watch_process(child.pid, child.start)
        if process is None:
            return False
        try:
            return not process.has_ended()
        finally:
            process.close()

else:
    from datacat_daemon.watching.process_polled import PsProcess

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
