"""Runs a program as a session, from its start to the last word about it."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence

from datacat_daemon.wrapping.settings import Settings
from datacat_daemon.wrapping.telling import CANNOT_EXECUTE, COMMAND_NOT_FOUND, say

if sys.platform == "win32":
    from datacat_daemon.wrapping.run_windows import run_found
else:
    from datacat_daemon.wrapping.run_posix import run_found


def run(command: Sequence[str], settings: Settings) -> int:
    """Run a program to its end; returns its status as `waitpid` gives it, or `exit_status` of Windows.

    One that cannot be run is told on stderr, as a shell does: exit code 127 where there is none, 126 where it is none.
    Where there is no spool the program runs all the same, without a session.
    """
    path = shutil.which(command[0])
    return _refuse(command[0]) if path is None else run_found(path, command, settings)


def _refuse(name: str) -> int:
    """Say why there is no such program; the status of a shell that was told to run it."""
    candidates = [name] if os.path.dirname(name) else [os.path.join(folder, name) for folder in os.get_exec_path()]
    if any(os.path.exists(path) for path in candidates):
        say(f"{name}: cannot be executed")
        return CANNOT_EXECUTE << 8
    say(f"{name}: there is no such program")
    return COMMAND_NOT_FOUND << 8
