"""The process that a session is registered for: is it there, is it ours, and what is known of it."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import Any

from datacat import machine

from datacat_daemon.http.errors import bad_request
from datacat_daemon.watching.proc_status import read_status
from datacat_daemon.watching.process import Process, watch_process

_MOST_PID = (1 << 32) - 1 if sys.platform == "win32" else 1 << 22
_MOST_ARGUMENTS = 50
_MOST_ARGUMENT = 1_000


def watch_parent(pid: int) -> Process:
    """Begin to watch a process that a session is to be registered for. Raises HttpError unless it runs and is ours."""
    if not 0 < pid <= _MOST_PID:
        raise bad_request(f"parent_pid: {pid} is no process id")
    if pid == os.getpid():
        raise bad_request(f"parent_pid: {pid} is this daemon; send the process id of your own program")
    status = read_status(pid)
    if not _is_ours(pid, status):
        raise bad_request(f"parent_pid: process {pid} is another user's")
    is_thread = status is not None and status.get("Tgid") != str(pid)
    process = None if is_thread else watch_process(pid, machine.process_start(pid))
    if process is None or process.has_ended():
        if process is not None:
            process.close()
        raise bad_request(f"parent_pid: there is no process {pid}; send the process id of your own program")
    return process


def facts_of(pid: int) -> dict[str, Any]:
    """Facts of a process, for people: its program, its command line, its folder, as far as the system tells."""
    folder = Path(f"/proc/{pid}")
    facts: dict[str, Any] = {"platform": machine.facts()["platform"]}
    with contextlib.suppress(OSError):
        facts["executable"] = os.readlink(folder / "exe")
    with contextlib.suppress(OSError):
        facts["cwd"] = os.readlink(folder / "cwd")
    arguments = command_line(pid)
    if arguments:
        facts["argv"] = arguments
    return facts


def command_line(pid: int) -> list[str]:
    """The first words of a process's command line, and not too much of each; none where it is not to be had."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            words = file.read(_MOST_ARGUMENTS * _MOST_ARGUMENT).split(b"\0")
    except OSError:
        return []
    return [word[:_MOST_ARGUMENT].decode("utf-8", "replace") for word in words[:-1][:_MOST_ARGUMENTS]]


def name_of(pid: int) -> str:
    """A name for what a process runs: for want of anything better its product."""
    words = command_line(pid)
    return os.path.basename(words[0]) if words and words[0] else f"process {pid}"


def _is_ours(pid: int, status: dict[str, str] | None) -> bool:
    if sys.platform == "win32":
        return True  # another user's cannot be opened: that is said by whoever watches it
    if status is not None:
        return status.get("Uid", "").split()[:1] == [str(os.getuid())]
    try:
        os.kill(pid, 0)
    except PermissionError:
        return False
    except OSError:
        pass  # gone: that is said by whoever watches it
    return True
