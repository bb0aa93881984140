"""The daemon's end of what wakes it (`datacat.wake`): who logs in a process folder has what cannot wait.

It is a pipe in the folder, on Windows a named event.
"""

from __future__ import annotations

import sys
from pathlib import Path

if sys.platform == "win32":
    from datacat.wake import event_of

    from datacat_daemon.waker_windows import Event

    class WakePipe:
        """Signalled after a process has asked for a look.

        Args:
            folder: the process folder; where it can have no event, `fileno()` is -1.
        """

        def __init__(self, folder: Path) -> None:
            try:
                self._event: Event | None = Event(str(event_of(str(folder))))
            except OSError:
                self._event = None

        def fileno(self) -> int:
            """The handle to wait for, -1 where there is none."""
            return -1 if self._event is None else self._event.handle

        def clear(self) -> bool:
            """Take it back until the next time; whether it was set."""
            return self._event is not None and self._event.clear()

        def close(self) -> None:
            """Let go of it."""
            if self._event is not None:
                self._event.close()
                self._event = None

else:
    import contextlib
    import os

    from datacat.wake import NAME

    class WakePipe:
        """Readable after a process has asked for a look.

        Args:
            folder: the process folder; where it has no such pipe, `fileno()` is -1.
        """

        def __init__(self, folder: Path) -> None:
            try:
                # for writing too: or it would be readable for ever once the first writer has closed it
                self._descriptor = os.open(folder / NAME, os.O_RDWR | os.O_NONBLOCK)
            except OSError:
                self._descriptor = -1

        def fileno(self) -> int:
            """The descriptor to wait for, -1 where there is none."""
            return self._descriptor

        def clear(self) -> bool:
            """Make it unreadable until the next time; whether it was readable."""
            asked = False
            if self._descriptor >= 0:
                with contextlib.suppress(OSError):
                    while os.read(self._descriptor, 512):
                        asked = True
            return asked

        def close(self) -> None:
            """Let go of it."""
            if self._descriptor >= 0:
                os.close(self._descriptor)
                self._descriptor = -1
