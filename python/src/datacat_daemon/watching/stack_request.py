"""Collects the stacks that a process writes about itself, by faulthandler, when it is asked to or when it dies."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from datacat_daemon.watching.process import Process
from datacat_daemon.watching.signals import is_handled
from datacat_daemon.watching.stacks import parse_stacks

STACKS_SECONDS = 2.0
_SETTLED_SECONDS = 0.1
_MOST_BYTES = 1 << 20


class StackRequest:
    """Asks a process for the stacks of all its threads, without waiting for it.

    The signal is sent only if the process handles it: one that it does not handle would end it. Where the system does
    not tell, the manifest is believed: the client registered a handler before it named the signal there.

    Args:
        process: the process to ask.
        number: its `stack_signal`, None if it has none.
        path: its `stacks.txt`.
        now: seconds on the monotonic clock.
    """

    def __init__(self, process: Process, number: int | None, path: Path, now: float) -> None:
        self._path = path
        self._begin = _size(path)
        self._deadline = now + STACKS_SECONDS
        self._seen = self._begin
        self._seen_at = now
        handled = number is not None and is_handled(process.pid, number) is not False
        self.asked = number is not None and handled and process.send_signal(number)

    def ready(self, now: float) -> bool:
        """True when all there is to expect has been written."""
        size = _size(self._path)
        if size != self._seen:
            self._seen = size
            self._seen_at = now
        settled = size > self._begin and now - self._seen_at >= _SETTLED_SECONDS
        return not self.asked or settled or now >= self._deadline

    def stacks(self) -> list[dict[str, Any]]:
        """What was written since the request, in the shape `stacks` of docs/design/records.md."""
        return parse_stacks(read_tail(self._path, self._begin)) if self.asked else []


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
