"""Signals, and the exceptions of Windows, by name and in plain words; and whether a process handles a signal."""

from __future__ import annotations

import signal
from pathlib import Path

from datacat_daemon.watching import windows_exceptions
from datacat_daemon.watching.proc_status import read_status

_WORDS = {
    "SIGSEGV": "segmentation fault",
    "SIGBUS": "bus error",
    "SIGFPE": "floating point exception",
    "SIGILL": "illegal instruction",
    "SIGABRT": "aborted",
    "SIGTRAP": "trap",
    "SIGSYS": "bad system call",
    "SIGKILL": "kill -9, or the system ran out of memory",
    "SIGTERM": "asked to terminate",
    "SIGINT": "interrupted",
    "SIGQUIT": "quit",
    "SIGHUP": "its terminal went away",
    "SIGPIPE": "broken pipe",
    "SIGALRM": "alarm",
    "SIGXCPU": "used up its CPU time",
    "SIGXFSZ": "exceeded the file size limit",
    **windows_exceptions.WORDS,
}

FAULTS = windows_exceptions.FAULTS | {"SIGSEGV", "SIGBUS", "SIGFPE", "SIGILL", "SIGABRT", "SIGTRAP", "SIGSYS"}
"""Those that a program brings upon itself."""

INTERRUPTS = frozenset({"SIGINT", windows_exceptions.CTRL_C})
"""What Ctrl-C ends a program by."""

STOPS = frozenset({"SIGSTOP", "SIGTSTP", "SIGTTIN", "SIGTTOU"})
"""Signals that stop a process until SIGCONT comes."""

_OWN_STATUS = "/proc/self/status"


def signal_name(number: int) -> str:
    """`SIGSEGV` for 11; `signal 64` for one without a name of its own."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def in_words(name: str) -> str | None:
    """What a signal means, or None for one that the application gave its own meaning."""
    return _WORDS.get(name)


def is_handled(pid: int, number: int) -> bool | None:
    """Whether the process has a handler for the signal; None where the system does not tell, for want of a `/proc`.

    From the `SigCgt` mask of `/proc/PID/status`, see proc_pid_status(5). A signal that is not handled would end it.
    """
    if not Path(_OWN_STATUS).exists():
        return None
    status = read_status(pid)
    return status is not None and bool(int(status.get("SigCgt", "0"), 16) >> (number - 1) & 1)
