"""Waits for the program, and passes on the signals that reach only its parent.

What the terminal sends (Ctrl-C, Ctrl-Z, a new size, a hang-up) it sends to the whole process group: the program has it
already, and must not have it twice. The kernel says so in `si_code`. What another process sends is passed on. When the
program is stopped by job control, its parent stops too, so that the shell sees the job stop.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable

if sys.platform != "win32":
    from datacat_daemon.wrapping.child import Child

assert sys.platform != "win32"

_BY_A_PROCESS = 0  # si_code of kill(2) is SI_USER, those of other processes' doings are below; the kernel's are above
_FROM_TERMINALS = frozenset({signal.SIGINT, signal.SIGQUIT, signal.SIGTSTP, signal.SIGWINCH, signal.SIGHUP})
_STOPS_A_JOB = frozenset({signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU})
_OWN = frozenset(
    {
        *(signal.SIGKILL, signal.SIGSTOP, signal.SIGPIPE, signal.SIGTTIN, signal.SIGTTOU),
        *(signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGTRAP, signal.SIGSYS),
    }
)
_CHILD = signal.SIGCHLD


class Signals:
    """The signals of this process, held back from now on, until `wait` looks at them; all that can be passed on."""

    def __init__(self) -> None:
        ignored = {number for number in signal.valid_signals() if signal.getsignal(number) == signal.SIG_IGN}
        self._held = (signal.valid_signals() - _OWN - ignored) | {_CHILD}
        self._before = signal.pthread_sigmask(signal.SIG_BLOCK, self._held)

    def wait(self, child: Child, resized: Callable[[], bool]) -> int:
        """Pass signals on until the child has ended; returns its status as `waitpid` gives it.

        Args:
            child: the program.
            resized: called when the terminal has another size; True if the program's terminal is not that one.
        """
        has_terminal = _has_terminal()
        while True:
            stop = child.stopped_by()
            if stop in _STOPS_A_JOB and has_terminal:
                os.kill(os.getpid(), signal.SIGSTOP)
            status = child.status()
            if status is not None:
                return status
            caught = self._next(child.sample())
            if caught is None:
                continue
            number, of_terminal = caught
            if number == signal.SIGWINCH and resized():
                of_terminal = False  # the program may have looked before its own terminal had the new size
            if number != _CHILD and not of_terminal:
                child.send_signal(number)

    def release(self) -> None:
        """From now on they do to this process what they did before."""
        signal.pthread_sigmask(signal.SIG_SETMASK, self._before)

    def _next(self, seconds: float | None) -> tuple[int, bool] | None:
        """The next signal, and whether the terminal sent it to the program, too; None after so many seconds."""
        if sys.platform == "linux":
            if seconds is None:
                info: signal.struct_siginfo | None = signal.sigwaitinfo(self._held)
            else:
                info = signal.sigtimedwait(self._held, seconds)
            if info is None:
                return None
            return info.si_signo, info.si_signo in _FROM_TERMINALS and info.si_code > _BY_A_PROCESS
        number = signal.sigwait(
            self._held
        )  # does not tell whose it is: where there is a terminal, it is taken for that
        return number, number in _FROM_TERMINALS and _has_terminal()


def _has_terminal() -> bool:
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True
