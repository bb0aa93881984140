"""A process that is watched by asking again and again: in `/proc`, or by `ps`, which every POSIX system has."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time

from datacat_daemon.watching.proc_stat import read_stat
from datacat_daemon.watching.ps import ask_ps

_PS_SECONDS = 0.5


class PolledProcess:
    """Watched by looking at `/proc/PID/stat`. Raises OSError where the process is gone or there is no `/proc`."""

    def __init__(self, pid: int, start: str | None) -> None:
        self.pid = pid
        self._exit_status: int | None = None
        self._ended = False
        stat = read_stat(pid)
        if stat is None or (start is not None and stat.start != start):
            raise ProcessLookupError(f"no process {pid} that started at {start}")
        self._start = stat.start

    def has_ended(self) -> bool:
        if not self._ended:
            stat = read_stat(self.pid)
            same = stat is not None and stat.start == self._start
            self._ended = stat is None or not same or stat.ended
            if stat is not None and same:
                self._exit_status = stat.exit_status
        return self._ended

    def exit_status(self) -> int | None:
        return self._exit_status if self.has_ended() else None

    def fileno(self) -> int:
        return -1

    def send_signal(self, number: int) -> bool:
        return not self.has_ended() and _kill(self.pid, number)

    def close(self) -> None:
        pass


class PsProcess:
    """Watched by `ps`, which every POSIX system has. Raises ProcessLookupError where the process is gone.

    Where `ps` does not answer, only that there is a process of this pid is known.

    Attributes:
        began: when it began, seconds since 1970 UTC; None if unknown.
    """

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._ended = False
        self._words: str | None = None
        self._ask_at = 0.0
        if self.has_ended():
            raise ProcessLookupError(f"no process {pid}")

    @property
    def began(self) -> float | None:
        try:
            return time.mktime(time.strptime(self._words or "", "%a %b %d %H:%M:%S %Y"))
        except (ValueError, OverflowError):
            return None

    def _ask(self) -> str | None:
        """When the process began, in the words of `ps`; None if it is gone or a zombie.

        Raises OSError or SubprocessError where `ps` does not answer.
        """
        state, _, began = ask_ps("stat=,lstart=", self.pid).partition(" ")
        return None if not state or state.startswith("Z") else began.strip()

    def has_ended(self) -> bool:
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return True
        except PermissionError:
            pass
        now = time.monotonic()
        if now >= self._ask_at and not self._ended:
            self._ask_at = now + _PS_SECONDS
            with contextlib.suppress(subprocess.SubprocessError, OSError):
                words = self._ask()
                self._words = self._words or words
                self._ended = words is None or words != self._words
        return self._ended

    def exit_status(self) -> int | None:
        return None

    def fileno(self) -> int:
        return -1

    def send_signal(self, number: int) -> bool:
        return not self.has_ended() and _kill(self.pid, number)

    def close(self) -> None:
        pass


def _kill(pid: int, number: int) -> bool:
    try:
        os.kill(pid, number)
    except OSError:
        return False
    return True
