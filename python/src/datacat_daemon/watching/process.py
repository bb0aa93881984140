"""A process that is not our child: is it still the same one, when does it end, and how did it.

A pid is used again one day; the pid with the start time names a process for good. Three ways to watch one, best first:

- a pidfd (Linux): becomes readable when the process ends, so nobody has to ask again and again;
- `/proc/PID/stat`, asked again and again: tells zombies and, by the start time, reused pids;
- `ps`, where there is no `/proc`.

How it ended is known in two ways: while it is a zombie, field 52 of `/proc/PID/stat` holds its wait status; once its
parent has collected it, a pidfd still tells it on Linux 6.15 and newer (`PIDFD_GET_INFO`). Else it is unknown.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import struct
import subprocess
import time
from pathlib import Path
from typing import NamedTuple, Protocol

_SELF_STAT = "/proc/self/stat"
_PS_SECONDS = 0.5
_PS_PATIENCE_SECONDS = 2.0
_INFO_SIZE = 64
_INFO_EXIT = 1 << 3
_INFO_EXIT_CODE_OFFSET = 60
# _IOWR(0xFF, 11, struct pidfd_info) of linux/pidfd.h; the first 64 bytes of the structure are its first version.
_PIDFD_GET_INFO = (3 << 30) | (_INFO_SIZE << 16) | (0xFF << 8) | 11


class Stat(NamedTuple):
    """What `/proc/PID/stat` says: one-letter state, start in clock ticks since boot, threads, and field 52.

    Field 52 is the wait status of one that has ended, and the signal that stopped one that is stopped.
    """

    state: str
    start: str
    field_52: int
    threads: int

    @property
    def ended(self) -> bool:
        """A zombie all of whose threads are gone."""
        return self.state in "ZXx" and self.threads <= 1

    @property
    def exit_status(self) -> int | None:
        """How it ended; None while it runs, and for one that its parent is collecting at this moment.

        Of the latter the kernel knows no threads any more, and gives 0 for the status, whatever it was.
        """
        return self.field_52 if self.ended and self.threads == 1 else None


def read_stat(pid: int) -> Stat | None:
    """The stat of a process, None if there is none."""
    try:
        descriptor = os.open(f"/proc/{pid}/stat", os.O_RDONLY)  # read ten times a second: a file object costs more
        try:
            text = os.read(descriptor, 4096).decode("utf-8", "replace")
        finally:
            os.close(descriptor)
        # The name in parentheses may hold anything; fields are counted from behind it, the state being the third.
        fields = text[text.rindex(")") + 1 :].split()
        return Stat(fields[0], fields[19], int(fields[49]), int(fields[17]))
    except (OSError, ValueError, IndexError):
        return None


class Process(Protocol):
    """A process that is watched."""

    pid: int

    def has_ended(self) -> bool:
        """True from the moment it has ended, also while it is a zombie."""
        ...

    def exit_status(self) -> int | None:
        """Once it has ended: its status as `waitpid` gives it; None if unknown."""
        ...

    def fileno(self) -> int:
        """A descriptor that becomes readable when it ends, or -1."""
        ...

    def send_signal(self, number: int) -> bool:
        """Send it a signal; False if that did not work."""
        ...

    def close(self) -> None:
        """Stop watching."""
        ...


class PidfdProcess:
    """Watched by pidfd. Raises OSError where the process is gone or the system has no pidfd.

    Args:
        pid, start: as for `watch_process`.
        descriptor: a pidfd that the process has handed on; it tells how the process ended even if that was before.
    """

    def __init__(self, pid: int, start: str | None, descriptor: int | None = None) -> None:
        self.pid = pid
        self._start = start
        self._descriptor = os.pidfd_open(pid) if descriptor is None else descriptor
        if descriptor is not None:
            return
        stat = read_stat(pid)
        if stat is not None and start is not None and stat.start != start:
            self.close()
            raise ProcessLookupError(f"process {pid} is another one now")

    def has_ended(self) -> bool:
        poll = select.poll()
        poll.register(self._descriptor, select.POLLIN)
        return bool(poll.poll(0))

    def exit_status(self) -> int | None:
        stat = read_stat(self.pid)
        if stat is not None and stat.exit_status is not None and self._start in (None, stat.start):
            return stat.exit_status
        return _status_by_pidfd(self._descriptor)

    def fileno(self) -> int:
        return self._descriptor

    def send_signal(self, number: int) -> bool:
        try:
            signal.pidfd_send_signal(self._descriptor, number)
        except OSError:
            return False
        return True

    def close(self) -> None:
        os.close(self._descriptor)


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
        command = ["ps", "-o", "stat=,lstart=", "-p", str(self.pid)]
        done = subprocess.run(
            command,
            env={**os.environ, "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            timeout=_PS_PATIENCE_SECONDS,
            check=False,
        )
        state, _, began = done.stdout.strip().partition(" ")
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


def inherited_process(pid: int, start: str | None, descriptor: int) -> Process | None:
    """Watch a process by the pidfd that it has handed on; None if that is none."""
    try:
        if "pidfd" not in os.readlink(f"/proc/self/fd/{descriptor}"):
            return None
    except OSError:
        return None
    os.set_inheritable(descriptor, False)
    return PidfdProcess(pid, start, descriptor)


def watch_process(pid: int, start: str | None) -> Process | None:
    """Begin to watch a process in the best way there is; None if it is gone.

    Args:
        pid: its pid.
        start: field 22 of its `/proc/PID/stat` as its manifest has it, None where there is no `/proc`.
    """
    if hasattr(os, "pidfd_open"):
        try:
            return PidfdProcess(pid, start)
        except ProcessLookupError:
            return None
        except OSError:
            pass
    try:
        if Path(_SELF_STAT).exists():
            return PolledProcess(pid, start)
        return PsProcess(pid)
    except OSError:
        return None


def process_of(folder: Path) -> tuple[int, str | None] | None:
    """Pid and start time as a process folder's name `<pid>-<start>-<random>` has them; None for another name."""
    parts = folder.name.split("-")
    if len(parts) != 3 or not parts[0].isdigit() or not parts[1].isdigit():
        return None
    return int(parts[0]), None if parts[1] == "0" else parts[1]


def boot_id() -> str | None:
    """What names this run of the machine, None where the system does not tell."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return None


def _kill(pid: int, number: int) -> bool:
    try:
        os.kill(pid, number)
    except OSError:
        return False
    return True


def _status_by_pidfd(descriptor: int) -> int | None:
    try:
        import fcntl

        info = bytearray(_INFO_SIZE)
        struct.pack_into("@Q", info, 0, _INFO_EXIT)
        fcntl.ioctl(descriptor, _PIDFD_GET_INFO, info)
    except OSError:
        return None
    if not struct.unpack_from("@Q", info)[0] & _INFO_EXIT:
        return None
    status: int = struct.unpack_from("@i", info, _INFO_EXIT_CODE_OFFSET)[0]
    return status
