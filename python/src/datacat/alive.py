"""A lock that says that this process lives: for daemons of other containers, which share its spool and cannot see it.

It is a POSIX lock, so a forked child does not hold it, and the kernel lets go of it however the process ends.
"""

import os

try:
    import fcntl
except ImportError:
    fcntl = None

NAME = "alive"

_held = {}


def hold(folder):
    """Hold the lock of a process folder from now on; where that cannot be done nobody misses it but those daemons."""
    if fcntl is None or _held.get(folder) == os.getpid():
        return
    try:
        opened = os.open(os.path.join(folder, NAME), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            # a program whose standard streams are closed must not get this one for its output
            descriptor = fcntl.fcntl(opened, fcntl.F_DUPFD, 3)
        finally:
            os.close(opened)  # before it is locked: to close any descriptor of the file lets go of the lock
        fcntl.fcntl(descriptor, fcntl.F_SETFD, fcntl.FD_CLOEXEC)
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _held[folder] = os.getpid()
    except (OSError, IOError):
        pass
