"""A process that is not our child: is it still the same one, when does it end, and how did it.

A pid is used again one day; the pid with the start time names a process for good. The ways to watch one, best first:

- a pidfd (Linux, `process_pidfd`): becomes readable when the process ends, so nobody has to ask again and again;
- a handle (Windows, `process_windows`): the same;
- `/proc/PID/stat`, asked again and again (`process_polled`): tells zombies and, by the start time, reused pids;
- `ps`, where there is no `/proc`.

How it ended is known in three ways: while it is a zombie, field 52 of `/proc/PID/stat` holds its wait status; once its
parent has collected it, a pidfd still tells it on Linux 6.15 and newer; a handle always does. Else it is unknown.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Protocol

from datacat import machine

from datacat_daemon.spool.manifest import a_manifest_in
from datacat_daemon.watching.proc_stat import SELF_STAT

if sys.platform == "win32":
    from datacat_daemon.watching.process_windows import HandleProcess, is_handle_of
else:
    from datacat_daemon.watching.process_polled import PolledProcess, PsProcess
if sys.platform == "linux":
    from datacat_daemon.watching.process_pidfd import PidfdProcess


class Process(Protocol):
    """A process that is watched."""

    pid: int

    def has_ended(self) -> bool:
        """True from the moment it has ended, also while it is a zombie."""
        ...

    def exit_status(self) -> int | None:
        """Once it has ended: its status as `exit_status` reads it; None if unknown."""
        ...

    def fileno(self) -> int:
        """What to wait for (`datacat_daemon.waker`) to learn of its end: a descriptor, on Windows a handle; or -1."""
        ...

    def send_signal(self, number: int) -> bool:
        """Send it a signal; False if that did not work, as on Windows, which has none."""
        ...

    def close(self) -> None:
        """Stop watching."""
        ...


def inherited_process(pid: int, start: str | None, descriptor: int) -> Process | None:
    """Watch a process by the pidfd, on Windows the handle, that it has handed on; None if that is none of it."""
    if sys.platform == "win32":
        return HandleProcess(pid, start, descriptor) if is_handle_of(pid, descriptor) else None
    if sys.platform == "linux":
        try:
            if "pidfd" not in os.readlink(f"/proc/self/fd/{descriptor}"):
                return None
        except OSError:
            return None
        os.set_inheritable(descriptor, False)
        return PidfdProcess(pid, start, descriptor)
    return None


def watch_process(pid: int, start: str | None) -> Process | None:
    """Begin to watch a process in the best way there is; None if it is gone.

    Args:
        pid: its pid.
        start: when it started, as its manifest has it (`datacat.machine.process_start`); None where that is not known.
    """
    if sys.platform == "win32":
        try:
            return HandleProcess(pid, start)
        except ProcessLookupError:
            return None
    if sys.platform == "linux" and hasattr(os, "pidfd_open"):
        try:
            return PidfdProcess(pid, start)
        except ProcessLookupError:
            return None
        except OSError:
            pass
    if sys.platform != "win32":
        try:
            if Path(SELF_STAT).exists():
                return PolledProcess(pid, start)
            return PsProcess(pid)
        except OSError:
            pass
    return None


def process_of(folder: Path) -> tuple[int, str | None] | None:
    """Pid and start time as a process folder's name `<pid>-<start>-<random>` has them.

    Of another name, as `datacat run` gives on Windows, what a manifest in it says; None where there is none.
    """
    parts = folder.name.split("-")
    if len(parts) != 3 or not parts[0].isdigit() or not parts[1].isdigit():
        manifest = a_manifest_in(folder)
        return None if manifest is None else (manifest.pid, manifest.process_start)
    return int(parts[0]), None if parts[1] == "0" else parts[1]


def boot_id() -> str | None:
    """What names this run of the machine, None where the system does not tell."""
    name = machine.boot_id()
    return None if name is None else str(name)
