"""Looks at a process from outside while it runs: its vitals, whether it is stopped, what memory the kernel took."""

from __future__ import annotations

from typing import NamedTuple

from datacat_daemon.watching.out_of_memory import MemoryKillWatch, OutOfMemory
from datacat_daemon.watching.stops import Continued, Debugger, Stop, StopWatch
from datacat_daemon.watching.vitals import VitalsWatch


class Observed(NamedTuple):
    """What one look has found.

    Attributes:
        vitals: the payloads of the metrics of a sample, if one was due.
        stop: how the process is stopped, None if it is not.
        change: a debugger took hold of it, or let it go.
    """

    vitals: list[bytes]
    stop: Stop | None
    change: Debugger | Continued | None


class Observer:
    """Observes one process.

    Args:
        pid: the process.
        vitals_interval: seconds between two samples of its vitals, 0 for none.
        now: seconds on the monotonic clock.
    """

    def __init__(self, pid: int, vitals_interval: float, now: float) -> None:
        self._vitals = VitalsWatch(pid, vitals_interval, now)
        self._memory = MemoryKillWatch(pid)
        self._stops = StopWatch(pid)

    @property
    def resident_bytes(self) -> int | None:
        """The memory that the process had when it was last looked at, None if it never was."""
        return self._vitals.resident_bytes

    def look(self, now: float, heartbeat: bool) -> Observed:
        """One turn.

        Args:
            now: seconds on the monotonic clock.
            heartbeat: there is one that is watched: only then it matters whether the process is stopped.
        """
        self._memory.look(now)
        change = self._stops.look(now) if heartbeat else None
        return Observed(self._vitals.look(now), self._stops.stop if heartbeat else None, change)

    def out_of_memory(self) -> OutOfMemory | None:
        """Once it was killed by SIGKILL: whether the kernel did it for want of memory."""
        return self._memory.verdict()
