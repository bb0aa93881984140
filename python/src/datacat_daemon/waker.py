"""Waits for several things at once, and is woken: from another thread, or from a signal handler.

What can be waited for is a descriptor that becomes readable, on Windows a handle that becomes signalled.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

if sys.platform == "win32":
    from datacat_daemon.waker_windows import Event

    class Waker:
        """An event: set from `wake()` until `clear()`."""

        def __init__(self) -> None:
            self._event = Event()

        def wake(self) -> None:
            """Set it; never blocks."""
            self._event.set()

        def wait(self, others: Sequence[int], seconds: float) -> None:
            """Wait until it is set, or one of the others is signalled; at most so many seconds."""
            self._event.wait(others, seconds)

        def clear(self) -> None:
            """Take it back, until the next `wake`."""
            self._event.clear()

else:
    import contextlib
    import os
    import select

    class Waker:
        """A pipe to itself: readable from `wake()` until `clear()`."""

        def __init__(self) -> None:
            self._reading, self._writing = os.pipe()
            os.set_blocking(self._reading, False)
            os.set_blocking(self._writing, False)

        def wake(self) -> None:
            """Make it readable; never blocks."""
            with contextlib.suppress(OSError):  # it is full: whoever reads it wakes anyhow
                os.write(self._writing, b"!")

        def wait(self, others: Sequence[int], seconds: float) -> None:
            """Wait until it is readable, or one of the others is; at most so many seconds."""
            poll = select.poll()
            poll.register(self._reading, select.POLLIN)
            for descriptor in others:
                poll.register(descriptor, select.POLLIN)
            poll.poll(seconds * 1000)

        def clear(self) -> None:
            """Make it unreadable until the next `wake`."""
            with contextlib.suppress(BlockingIOError):
                while os.read(self._reading, 512):
                    pass
