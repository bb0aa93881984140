"""Asks `ps` about a process, which every POSIX system has."""

from __future__ import annotations

import os
import subprocess

_PATIENCE_SECONDS = 2.0


def ask_ps(columns: str, pid: int) -> str:
    """What `ps -o` prints of a process, in the words of the C locale; nothing where there is no such process.

    Args:
        columns: as `ps -o` takes them, "stat=,lstart=".
        pid: of the process.

    Raises OSError or SubprocessError where `ps` does not answer.
    """
    done = subprocess.run(
        ["ps", "-o", columns, "-p", str(pid)],
        env={**os.environ, "LC_ALL": "C"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        timeout=_PATIENCE_SECONDS,
        check=False,
    )
    return done.stdout.strip()
