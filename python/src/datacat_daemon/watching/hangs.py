"""Watches a heartbeat: counts how long no beat came, by the daemon's own clock.

Nothing here reads a clock; whoever calls says what time it is. A step of it that is too long to be one turn of the
daemon's loop counts as a short one: the machine was stopped under both of them, and the application could not beat
either. So it does not matter much whether that clock stands still while the machine sleeps: on Linux it does, on
Windows it does not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Union

from datacat_daemon.spool.control import Control

LONGEST_STEP = 2.0


@dataclass(frozen=True)
class Hung:
    """The heartbeat has been silent for longer than its timeout; both in seconds."""

    timeout: float
    silent: float


@dataclass(frozen=True)
class Recovered:
    """The heartbeat is back; how long it was silent, in seconds."""

    seconds: float


Change = Union[Hung, Recovered, None]


class HeartbeatWatch:
    """One session's heartbeat.

    Args:
        hung_for: if an earlier daemon found it hung, and nobody has seen it recover: for how many seconds by now.

    Attributes:
        hung: True from a hang until its recovery. What ends while it hangs has not recovered.
        silent: seconds since the last beat, as far as they were watched.
    """

    def __init__(self, hung_for: float | None = None) -> None:
        self.hung = hung_for is not None
        self.silent = hung_for or 0.0
        self._beats: int | None = None
        self._watched = False
        self._last: float | None = None

    def is_near_hang(self, control: Control, seconds: float) -> bool:
        """Without a beat it hangs within so many seconds, or it hangs and any beat is its recovery."""
        return bool(control.monitoring and not control.paused) and self.silent + 2 * seconds > control.timeout_us / 1e6

    def look(self, now: float, control: Control, held: bool = False) -> Change:
        """Take the control page as it is.

        Args:
            now: seconds on a clock that only goes forward.
            control: the page.
            held: a debugger has stopped the process: its time stands still.
        """
        step = 0.0 if self._last is None or held else min(now - self._last, LONGEST_STEP)
        self._last = now
        watched = bool(control.monitoring and not control.paused)
        if self._beats is None:
            self._beats = control.beats
            self._watched = watched
        beaten = control.beats != self._beats
        if control.ended_us and not beaten:
            return None
        self.silent += step
        alive = beaten or not watched or not self._watched
        self._beats = control.beats
        self._watched = watched
        if alive:
            silent, self.silent = self.silent, 0.0
            if self.hung:
                self.hung = False
                return Recovered(silent)
            return None
        timeout = control.timeout_us / 1e6
        if not self.hung and self.silent > timeout:
            self.hung = True
            return Hung(timeout, self.silent)
        return None
