"""How a process ended, by its exit status: a number as `waitpid` gives it, or on Windows its exit code in that shape.

Windows knows no signals. A process that dies of an exception which nothing handles has its code for an exit code; that
has a name (`windows_exceptions`), and counts as what a signal is elsewhere. One that is ended from outside, by
TerminateProcess, has the exit code that whoever did it has chosen, most often 1: nobody can tell the two apart.
"""

from __future__ import annotations

import os
import sys

from datacat_daemon.watching.signals import signal_name
from datacat_daemon.watching.windows_exceptions import name_of

ON_WINDOWS = sys.platform == "win32"

ABORTED_ON_WINDOWS = 3
"""The exit code by which the C runtime of Windows ends a program that gets a signal of its own, as by abort()."""


def status_of_windows(code: int) -> int:
    """The status of a process with this exit code (32 bits, unsigned)."""
    return code << 8


def read_status(status: int, windows: bool = ON_WINDOWS) -> tuple[str | None, int | None]:
    """The name of what killed a process, a signal or an exception of Windows; or its exit code. The other is None."""
    if windows:
        code = status >> 8
        name = name_of(code)
        return (name, None) if name is not None else (None, code)
    if sys.platform != "win32" and os.WIFSIGNALED(status):
        return signal_name(os.WTERMSIG(status)), None
    return None, status >> 8 & 0xFF


def code_of_windows(status: int) -> int:
    """What a process of Windows is to leave with, to have this status."""
    code = status >> 8
    return code - (1 << 32) if code >= 1 << 31 else code
