"""Wakes the daemon of a process folder when something cannot wait for its next look: a named pipe, which it reads.

On Windows it is a named event, which the daemon makes. Neither carries news, these stand in the control page and the
segments; where there is none, the daemon looks often.
"""

import os

from datacat._compat import windows
from datacat.exceptions_of_signals import let_through

NAME = "wake"


def make(process):
    """Make the pipe of a process folder, where the system has such pipes. Never raises."""
    try:
        os.mkfifo(os.path.join(process, NAME), 0o600)
    except (AttributeError, OSError):
        pass


def event_of(process):
    """The name of a process folder's event on Windows: of this logon session, as its daemon is."""
    return "Local\\datacat-wake-" + os.path.basename(process)


def wake(process):
    """Have its daemon look now; does not wait for anybody, and never raises."""
    if windows:
        windows.set_event(event_of(process))
        return
    try:
        # for reading too: a daemon that dies at this moment must not leave us with a SIGPIPE
        descriptor = os.open(os.path.join(process, NAME), os.O_RDWR | os.O_NONBLOCK)
    except (AttributeError, OSError):
        let_through()
        return
    try:
        os.write(descriptor, b"!")
    except OSError:
        let_through()  # else it is full: the daemon wakes anyhow
    finally:
        os.close(descriptor)
