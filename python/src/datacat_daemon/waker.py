"""Wakes a thread that waits in `poll`: from another thread, or from a signal handler."""

from __future__ import annotations

import contextlib
import os


class Waker:
    """A pipe to itself: `fileno()` is readable from `wake()` until `clear()`."""

    def __init__(self) -> None:
        self._reading, self._writing = os.pipe()
        os.set_blocking(self._reading, False)
        os.set_blocking(self._writing, False)

    def fileno(self) -> int:
        """The descriptor to wait for."""
        return self._reading

    def wake(self) -> None:
        """Make it readable; never blocks."""
        with contextlib.suppress(OSError):  # it is full: whoever reads it wakes anyhow
            os.write(self._writing, b"!")

    def clear(self) -> None:
        """Make it unreadable until the next `wake`."""
        with contextlib.suppress(BlockingIOError):
            while os.read(self._reading, 512):
                pass

    def close(self) -> None:
        """Let go of it. Nobody may wake it any more."""
        os.close(self._reading)
        os.close(self._writing)
