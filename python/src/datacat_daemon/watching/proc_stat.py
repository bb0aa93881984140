"""`/proc/PID/stat`, see proc_pid_stat(5)."""

from __future__ import annotations

import os
from typing import NamedTuple

SELF_STAT = "/proc/self/stat"


class Stat(NamedTuple):
    """What `/proc/PID/stat` says: one-letter state, start in clock ticks since boot, threads, and field 52.

    Field 52 is the wait status of one that has ended, and the signal that stopped one that is stopped.
    """

    state: str
    start: str
    field_52: int
    threads: int

    @property
    def ended(self) -> bool:
        """A zombie all of whose threads are gone."""
        return self.state in "ZXx" and self.threads <= 1

    @property
    def exit_status(self) -> int | None:
        """How it ended; None while it runs, and for one that its parent is collecting at this moment.

        Of the latter the kernel knows no threads any more, and gives 0 for the status, whatever it was.
        """
        return self.field_52 if self.ended and self.threads == 1 else None


def read_stat(pid: int) -> Stat | None:
    """The stat of a process, None if there is none."""
    try:
        descriptor = os.open(f"/proc/{pid}/stat", os.O_RDONLY)  # read ten times a second: a file object costs more
        try:
            text = os.read(descriptor, 4096).decode("utf-8", "replace")
        finally:
            os.close(descriptor)
        # The name in parentheses may hold anything; fields are counted from behind it, the state being the third.
        fields = text[text.rindex(")") + 1 :].split()
        return Stat(fields[0], fields[19], int(fields[49]), int(fields[17]))
    except (OSError, ValueError, IndexError):
        return None
