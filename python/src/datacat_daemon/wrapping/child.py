"""The program as a child process: forked, held until its session is there, and then executed.

Its pid is known, and its session can be announced, before its first instruction runs. It stays in the process group of
its parent, so that a terminal treats both as one job. A parent that dies before it lets go takes the child with it.
"""

from __future__ import annotations

import os
import resource
import signal
import struct
import sys
from collections.abc import Sequence

from datacat_daemon.wrapping.telling import CANNOT_EXECUTE
from datacat_daemon.wrapping.used import Used

assert sys.platform != "win32"

_ERRNO = struct.Struct("@i")
_NO_SESSION = b"\0"
_MAXRSS_BYTES = 1 if sys.platform == "darwin" else 1024
_FORK_GROWS = 1 << 20  # what the child itself needs between the fork and the program, at most
_SHORTEST_SAMPLE = 0.02
_LONGEST_SAMPLE = 2.0
# Python ignores these for itself; a program expects to die of them.
_IGNORED_BY_PYTHON = (signal.SIGPIPE, signal.SIGXFSZ)


class Child:
    """A forked process that waits to become a program.

    Args:
        path: the program's file.
        command: its words.
        variables: for its environment, over this process's.
        outputs: what becomes its stdout and its stderr; -1 leaves it as it is.
    """

    def __init__(
        self, path: str, command: Sequence[str], variables: dict[str, str], outputs: tuple[int, int] = (-1, -1)
    ) -> None:
        self._status: int | None = None
        self._used = Used(0.0, 0.0, None)
        self._memory_before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _MAXRSS_BYTES
        self._sampled: int | None = None
        self._sample_seconds = _SHORTEST_SAMPLE
        gate, self._gate = os.pipe()
        self._trouble, trouble = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                os.close(self._gate)
                _become(path, command, variables, outputs, gate, trouble)
            finally:
                os._exit(CANNOT_EXECUTE)
        os.close(gate)
        os.close(trouble)

    def release(self, session: str | None) -> OSError | None:
        """Let it run; returns why that is not possible.

        Args:
            session: the session's folder, for $DATACAT_SESSION; None where there is none.
        """
        before = _peak_memory(self.pid)
        if before is not None:
            self._memory_before = before + _FORK_GROWS
        os.write(self._gate, os.fsencode(session) if session else _NO_SESSION)
        os.close(self._gate)
        told = os.read(self._trouble, _ERRNO.size)
        os.close(self._trouble)
        if not told:
            return None
        (number,) = _ERRNO.unpack(told)
        return OSError(number, os.strerror(number))

    def sample(self) -> float | None:
        """See how much memory the program has needed; returns the seconds until that is to be asked again.

        None: not at all, as the system will tell it in the end, or never does.
        """
        peak = None if self._status is not None else _peak_memory(self.pid)
        if peak is None:
            return None
        self._sampled = peak
        if peak > self._memory_before:
            return None
        self._sample_seconds = min(_LONGEST_SAMPLE, 2 * self._sample_seconds)
        return self._sample_seconds

    def send_signal(self, number: int) -> None:
        """Send it a signal. It is not reaped before it is known as ended, so its pid is its own."""
        os.kill(self.pid, number)

    def stopped_by(self) -> int | None:
        """The signal that has stopped it since the last call."""
        if not hasattr(os, "waitid"):
            self._wait(os.WNOHANG | os.WUNTRACED)
            return None
        try:
            result = os.waitid(os.P_PID, self.pid, os.WSTOPPED | os.WNOHANG)
        except ChildProcessError:  # it has ended
            return None
        return None if result is None else result.si_status

    def status(self) -> int | None:
        """Its status as `waitpid` gives it, once it has ended; where the system can, it is not reaped by that."""
        if self._status is None and not hasattr(os, "waitid"):
            self._wait(os.WNOHANG)
        elif self._status is None and hasattr(os, "waitid"):
            result = os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            if result is not None:
                exited = result.si_code == os.CLD_EXITED
                self._status = result.si_status << 8 if exited else result.si_status
        return self._status

    def reap(self) -> Used:
        """Wait for its end, and give its pid back; what it has used."""
        if hasattr(os, "waitid"):
            self._wait(0)
        return self._used

    def _wait(self, options: int) -> None:
        pid, status, usage = os.wait4(self.pid, options)
        if pid and not os.WIFSTOPPED(status):
            self._status = status
            peak = usage.ru_maxrss * _MAXRSS_BYTES
            known = peak if peak > self._memory_before else self._sampled
            self._used = Used(usage.ru_utime, usage.ru_stime, known)


def _peak_memory(pid: int) -> int | None:
    """The most resident memory in bytes that a process had since it became the program that it is."""
    try:
        with open(f"/proc/{pid}/status", "rb") as file:
            for line in file:
                if line.startswith(b"VmHWM:"):
                    return int(line.split()[1]) << 10
    except (OSError, ValueError, IndexError):
        pass
    return None  # it has ended, or there is no /proc


def _become(
    path: str, command: Sequence[str], variables: dict[str, str], outputs: tuple[int, int], gate: int, trouble: int
) -> None:
    """The child's part: wait at the gate, then become the program."""
    session = os.read(gate, 4096)
    if not session:
        return  # the parent has died, and nobody would wait for the program
    environment = {**os.environ, **variables}
    environment.pop("DATACAT_SESSION", None)
    if session != _NO_SESSION:
        environment["DATACAT_SESSION"] = os.fsdecode(session)
    for descriptor, output in enumerate(outputs, 1):
        if output >= 0:
            os.dup2(output, descriptor)
    for number in _IGNORED_BY_PYTHON:
        signal.signal(number, signal.SIG_DFL)
    try:
        os.execve(path, list(command), environment)
    except OSError as error:
        os.write(trouble, _ERRNO.pack(error.errno or 0))
