"""How the wrapper leaves: as its program did, so that a shell sees no difference."""

from __future__ import annotations

import sys

if sys.platform == "win32":
    from datacat_daemon.watching.exit_status import code_of_windows

    def leave(status: int) -> int:
        """The exit code of a program with this status."""
        return code_of_windows(status)

else:
    import os
    import resource
    import signal

    def leave(status: int) -> int:
        """Die by the signal that ended the program, or return its exit code.

        Args:
            status: the program's, as `waitpid` gives it.

        Returns 128 and the signal's number where the signal does not end this process.
        """
        if not os.WIFSIGNALED(status):
            return os.WEXITSTATUS(status)
        number = os.WTERMSIG(status)
        _, most = resource.getrlimit(resource.RLIMIT_CORE)
        resource.setrlimit(resource.RLIMIT_CORE, (0, most))  # the core that is of interest is the program's
        if number != signal.SIGKILL:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [number])
        os.kill(os.getpid(), number)
        return 128 + number
