"""How a daemon is asked to let go of a process that has ended: by the file `release` in the process folder.

It holds for a short time only, so that one who asked and died before he took the folder leaves it to daemons again.
"""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

from datacat.wake import wake

_FILE = "release"
_HOLDS_SECONDS = 10.0


def ask_for_release(folder: Path) -> None:
    """Have the daemon of a process folder let go of it, and no other take it. Raises OSError."""
    (folder / _FILE).touch(0o600)
    wake(str(folder))


def withdraw(folder: Path) -> None:
    """Daemons may have it again."""
    with contextlib.suppress(OSError):
        (folder / _FILE).unlink()


def release_is_asked(folder: Path) -> bool:
    """Somebody has asked, not long ago."""
    try:
        age = time.time() - (folder / _FILE).stat().st_mtime
    except OSError:
        return False
    return -_HOLDS_SECONDS < age < _HOLDS_SECONDS
