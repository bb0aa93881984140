"""Runs a program as a session on POSIX: a fork that waits for its session to be there, and signals passed on."""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence

from datacat_daemon.wrapping.session import announce
from datacat_daemon.wrapping.settings import Settings
from datacat_daemon.wrapping.telling import CANNOT_EXECUTE, say

if sys.platform != "win32":
    from datacat_daemon.wrapping.child import Child
    from datacat_daemon.wrapping.output import Output
    from datacat_daemon.wrapping.passing import Signals

assert sys.platform != "win32"


def run_found(path: str, command: Sequence[str], settings: Settings) -> int:
    """Run a program, whose file this is, to its end; returns its status as `waitpid` gives it."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    variables = {"DATACAT_URL": settings.server_url} if settings.server_url else {}
    try:
        output = Output() if settings.capture_output else None
        child = Child(path, command, variables, output.descriptors if output else (-1, -1))
    except OSError as caught:  # this user may have no more processes, or this one no more descriptors
        say(f"{command[0]} cannot be started: {caught.strerror}")
        return CANNOT_EXECUTE << 8
    session = announce(child.pid, path, command, settings)
    signals = Signals()
    if output is not None:
        output.start(None if session is None else session.hear)
    error = child.release(None if session is None else str(session.folder))
    if error is not None:
        say(f"{command[0]}: {error.strerror}")
        if session is not None:
            session.say_not_started(error)
    status = signals.wait(child, lambda: output is not None and output.resize())
    if session is not None:
        session.note_ended(status)
    used = child.reap()
    signals.release()
    if output is not None:
        output.finish()
    if session is not None:
        session.say_finished(status, used)
    return status
