"""Sees that the machine slept, by two clocks: one stands still in suspend, the other goes on."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass

SHORTEST_SLEEP = 1.0


@dataclass(frozen=True)
class Sleep:
    """A time the machine slept: from when (microseconds since 1970 UTC), and for how many seconds."""

    began_us: int
    seconds: float


if sys.platform == "win32":
    import ctypes

    _kernel32 = ctypes.WinDLL("kernel32")
    _kernel32.GetTickCount64.restype = ctypes.c_uint64
    _kernel32.QueryUnbiasedInterruptTime.argtypes = [ctypes.POINTER(ctypes.c_uint64)]

    def awake() -> float:
        """Seconds on a clock that stands still while the machine sleeps."""
        ticks = ctypes.c_uint64()  # of 100 ns
        _kernel32.QueryUnbiasedInterruptTime(ctypes.byref(ticks))
        return ticks.value / 1e7

    def through_sleep() -> float:
        """Seconds on a clock that goes on while the machine sleeps."""
        return int(_kernel32.GetTickCount64()) / 1e3

else:

    def awake() -> float:
        """Seconds on a clock that stands still while the machine sleeps."""
        return time.monotonic()

    def through_sleep() -> float:
        """Seconds on a clock that goes on while the machine sleeps; where there is none, on one that does not."""
        # What macOS calls CLOCK_MONOTONIC goes on; Python's time.monotonic() reads another clock there, which does not.
        clock = time.CLOCK_MONOTONIC if sys.platform == "darwin" else getattr(time, "CLOCK_BOOTTIME", None)
        return time.monotonic() if clock is None else time.clock_gettime(clock)


class SleepWatch:
    """Compares the clocks at every look."""

    def __init__(self) -> None:
        self._ahead: float | None = None
        self._looked_us = 0

    def look(self, through: float, awake: float, wall_us: int) -> Sleep | None:
        """The sleep since the last look, if there was one.

        Args:
            through: `through_sleep()`.
            awake: `awake()`.
            wall_us: the wall clock, microseconds since 1970 UTC.
        """
        ahead = through - awake
        slept = 0.0 if self._ahead is None else ahead - self._ahead
        began_us = self._looked_us
        self._ahead = ahead
        self._looked_us = wall_us
        return Sleep(began_us, slept) if slept >= SHORTEST_SLEEP else None
