"""The daemon's end of a process folder's pipe `wake` (`datacat.wake`): who logs there has what cannot wait."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

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
