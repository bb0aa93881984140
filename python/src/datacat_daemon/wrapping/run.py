"""Runs a program as a session, from the fork to the last word about it."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Sequence

from datacat_daemon.wrapping.child import CANNOT_EXECUTE, COMMAND_NOT_FOUND, Child
from datacat_daemon.wrapping.output import Output
from datacat_daemon.wrapping.passing import Signals
from datacat_daemon.wrapping.session import WrappedSession
from datacat_daemon.wrapping.settings import Settings


def run(command: Sequence[str], settings: Settings) -> int:
    """Run a program to its end; returns its status as `waitpid` gives it.

    One that cannot be run is told on stderr, as a shell does: exit code 127 where there is none, 126 where it is none.
    Where there is no spool the program runs all the same, without a session.
    """
    path = shutil.which(command[0])
    if path is None:
        return _refuse(command[0])
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    output = Output() if settings.capture_output else None
    variables = {"DATACAT_URL": settings.server_url} if settings.server_url else {}
    child = Child(path, command, variables, output.descriptors if output else (-1, -1))
    session = _announce(child.pid, path, command, settings)
    signals = Signals()
    if output is not None:
        output.start(None if session is None else session.hear)
    error = child.release(None if session is None else str(session.folder))
    if error is not None:
        _say(f"{command[0]}: {error.strerror}")
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


def _announce(pid: int, path: str, command: Sequence[str], settings: Settings) -> WrappedSession | None:
    try:
        session = WrappedSession(pid, path, command, settings)
    except OSError as error:
        _say(f"it runs without a session: {error}")
        return None
    if session.trouble is not None:
        _say(session.trouble)
    return session


def _refuse(name: str) -> int:
    """Say why there is no such program; the status of a shell that was told to run it."""
    candidates = [name] if os.path.dirname(name) else [os.path.join(folder, name) for folder in os.get_exec_path()]
    if any(os.path.exists(path) for path in candidates):
        _say(f"{name}: cannot be executed")
        return CANNOT_EXECUTE << 8
    _say(f"{name}: there is no such program")
    return COMMAND_NOT_FOUND << 8


def _say(text: str) -> None:
    print(f"datacat run: {text}", file=sys.stderr, flush=True)
