"""Whether a process is stopped, by a signal or under a debugger, by its `/proc/PID/status`."""

from __future__ import annotations

from typing import NamedTuple

from datacat_daemon.watching.proc_stat import Stat, read_stat
from datacat_daemon.watching.proc_status import read_status
from datacat_daemon.watching.signals import STOPS, signal_name

_LOOK_SECONDS = 0.1


class Debugger(NamedTuple):
    """The process that holds another one: its pid, and its name where that can be seen."""

    pid: int
    name: str | None


class Stop(NamedTuple):
    """A process that is stopped: by a debugger, or by a signal, such as `SIGSTOP`, whose name may be unknown."""

    debugger: Debugger | None = None
    signal: str | None = None


class Continued(NamedTuple):
    """A process that a debugger has held goes on, after so many seconds."""

    seconds: float


class StopWatch:
    """Watches whether a process is stopped.

    Args:
        pid: the process.

    Attributes:
        stop: how it is stopped at the last look, None if it is not.
    """

    def __init__(self, pid: int) -> None:
        self.stop: Stop | None = None
        self._pid = pid
        self._due = 0.0
        self._switches: tuple[str, ...] = ()
        self._stopped_at = 0.0
        self._told = False

    def look(self, now: float) -> Debugger | Continued | None:
        """Look now and then; what has begun or ended: a debugger's hold of it.

        Args:
            now: seconds on the monotonic clock.
        """
        if now < self._due:
            return None
        self._due = now + _LOOK_SECONDS
        stat = read_stat(self._pid)
        stopped = stat is not None and stat.state in "Tt"  # the whole status costs the kernel much more
        status = (read_status(self._pid) or {}) if stopped else {}
        before, self.stop = self.stop, _stop(stat, status)
        # Who is only traced is stopped again and again, and runs in between: that shows in its switches.
        switches = tuple(status.get(f"{kind}_ctxt_switches", "") for kind in ("voluntary", "nonvoluntary"))
        still = before is not None and switches == self._switches
        self._switches = switches
        if self.stop is None or self.stop.debugger is None:
            told, self._told = self._told, False
            return Continued(now - self._stopped_at) if told else None
        if self._told or not still:
            self._stopped_at = self._stopped_at if self._told else now
            return None
        self._told = True
        return self.stop.debugger


def _stop(stat: Stat | None, status: dict[str, str]) -> Stop | None:
    state, tracer = status.get("State", "")[:1], status.get("TracerPid", "0")
    if stat is None or state not in ("T", "t"):
        return None
    if tracer == "0":
        name = signal_name(stat.field_52)
        return Stop(signal=name if name in STOPS else None)
    return Stop(Debugger(int(tracer), (read_status(int(tracer)) or {}).get("Name")))
