"""Watches a heartbeat: counts how long no beat came, by the daemon's own clock.

Nothing here reads a clock; whoever calls says what time it is. That clock must stand still while the machine sleeps
(CLOCK_MONOTONIC does on Linux), and a step of it that is too long to be one turn of the daemon's loop counts as a short
one: the machine was stopped under both of them, and the application could not beat either.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Union

from datacat_daemon.control import Control

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
        hung: an earlier daemon found it hung, and nobody has seen it recover.

    Attributes:
        hung: True from a hang until its recovery.
    """

    def __init__(self, hung: bool = False) -> None:
        self.hung = hung
        self._beats: int | None = None
        self._watched = False
        self._silent = 0.0
        self._last: float | None = None

    def look(self, now: float, control: Control) -> Change:
        """Take the control page as it is at `now` (seconds on a clock that only goes forward)."""
        step = 0.0 if self._last is None else min(now - self._last, LONGEST_STEP)
        self._last = now
        self._silent += step
        watched = bool(control.monitoring and not control.paused and not control.ended_us)
        if self._beats is None:
            self._beats = control.beats
            self._watched = watched
        alive = control.beats != self._beats or not watched or not self._watched
        self._beats = control.beats
        self._watched = watched
        if alive:
            silent, self._silent = self._silent, 0.0
            if self.hung:
                self.hung = False
                return Recovered(silent)
            return None
        timeout = control.timeout_us / 1e6
        if not self.hung and self._silent > timeout:
            self.hung = True
            return Hung(timeout, self._silent)
        return None
