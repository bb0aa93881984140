"""Collects the stacks of a process: what it writes about itself by faulthandler, else what py-spy sees from outside."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from datacat_daemon.watching.process import Process
from datacat_daemon.watching.py_spy import PySpyDump, find_py_spy
from datacat_daemon.watching.signals import is_handled
from datacat_daemon.watching.stacks import parse_stacks

STACKS_SECONDS = 0.8
"""How long to wait for them: a hang is to be told within a second."""
_OWN_SECONDS = 0.4
"""After so long without a word py-spy is asked, too: all threads of the process may block the signal."""
_SETTLED_SECONDS = 0.1
_MOST_BYTES = 1 << 20


class StackRequest:
    """Asks for the stacks of all threads of a process, without waiting for them.

    The signal is sent only if the process handles it: one that it does not handle would end it. Where the system does
    not tell, the manifest is believed: the client registered a handler before it named the signal there.

    Args:
        process: the process to ask.
        number: its `stack_signal`, None if it has none.
        path: its `stacks.txt`.
        now: seconds on the monotonic clock.
        stopped: it is stopped, and so cannot answer a signal.
    """

    def __init__(self, process: Process, number: int | None, path: Path, now: float, stopped: bool = False) -> None:
        self._pid = process.pid
        self._path = path
        self._asked_at = now
        self._begin = _size(path)
        self._deadline = now + STACKS_SECONDS
        self._seen = self._begin
        self._seen_at = now
        handled = number is not None and not stopped and is_handled(process.pid, number) is not False
        self._asked = number is not None and handled and process.send_signal(number)
        self._py_spy: PySpyDump | None = None
        self._trouble: str | None = None
        if not self._asked:
            self._look_from_outside()

    @property
    def trouble(self) -> str | None:
        """Once it is ready: why there are no stacks, where something is known about that."""
        return self._trouble if self._py_spy is None else self._py_spy.trouble

    def ready(self, now: float) -> bool:
        """True when all there is to expect is there."""
        if self._py_spy is not None:
            return self._py_spy.ready(now)
        if not self._asked or now >= self._deadline:
            return True
        size = _size(self._path)
        if size != self._seen:
            self._seen = size
            self._seen_at = now
        if size == self._begin:
            if now - self._asked_at >= _OWN_SECONDS and self._trouble is None:
                self._look_from_outside()
            return False
        return now - self._seen_at >= _SETTLED_SECONDS

    def stacks(self) -> list[dict[str, Any]]:
        """What was written since the request, in the shape `stacks` of docs/design/records.md."""
        own = parse_stacks(read_tail(self._path, self._begin)) if self._asked else []
        return own if own or self._py_spy is None else self._py_spy.stacks()

    def close(self) -> None:
        """Wait for nothing any more."""
        if self._py_spy is not None:
            self._py_spy.close()

    def _look_from_outside(self) -> None:
        command = find_py_spy()
        if command is None:
            self._trouble = "the process does not write them itself, and py-spy is not installed"
            return
        try:
            self._py_spy = PySpyDump(command, self._pid, self._deadline)
        except OSError as error:
            self._trouble = f"py-spy: {error}"


def read_tail(path: Path, begin: int = 0) -> str:
    """The text of a file from byte `begin` on, at most its last megabyte; empty where it cannot be read."""
    try:
        with path.open("rb") as file:
            file.seek(max(begin, _size(path) - _MOST_BYTES))
            return file.read(_MOST_BYTES).decode("utf-8", "replace")
    except OSError:
        return ""


def _size(path: Path) -> int:
    try:
        return os.stat(path).st_size
    except OSError:
        return 0
