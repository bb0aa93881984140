"""Runs a program as a session on Windows: it is made suspended, and goes on once its session is there.

There is no pseudo-terminal: with its output captured a program sees pipes. Ctrl-C and Ctrl-Break reach it by itself, as
a process of the same console; they are nothing to its parent.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import threading
import uuid
from collections.abc import Sequence
from ctypes import wintypes
from pathlib import Path

from datacat import spool

from datacat_daemon.watching.exit_status import status_of_windows
from datacat_daemon.wrapping.session import WrappedSession, announce
from datacat_daemon.wrapping.settings import Settings
from datacat_daemon.wrapping.telling import CANNOT_EXECUTE, say
from datacat_daemon.wrapping.used import Used

if sys.platform == "win32":
    from datacat_daemon.watching.usage_windows import cpu_seconds, memory_bytes

assert sys.platform == "win32"

_SUSPENDED = 0x4
_PIECE = 64 << 10
_LAST_WORDS_SECONDS = 2.0

_ntdll = ctypes.WinDLL("ntdll")
_ntdll.NtResumeProcess.argtypes = [wintypes.HANDLE]
_ntdll.NtResumeProcess.restype = wintypes.LONG


def run_found(path: str, command: Sequence[str], settings: Settings) -> int:
    """Run a program, whose file this is, to its end; returns its status as `exit_status` reads it."""
    place = _place()
    environment = {**os.environ, **({"DATACAT_URL": settings.server_url} if settings.server_url else {})}
    environment.pop("DATACAT_SESSION", None)
    if place is not None:
        environment["DATACAT_SESSION"] = str(place)
    pipe = subprocess.PIPE if settings.capture_output else None
    for number in (signal.SIGINT, signal.SIGBREAK):
        signal.signal(number, signal.SIG_IGN)
    try:
        program = subprocess.Popen(
            [path, *command[1:]], env=environment, stdout=pipe, stderr=pipe, creationflags=_SUSPENDED
        )
    except OSError as error:
        say(f"{command[0]}: {error.strerror}")
        return CANNOT_EXECUTE << 8
    try:
        session = None if place is None else announce(program.pid, path, command, settings, place)
        readers = _pass_on(program, session)
    finally:
        _resume(program)
    status = status_of_windows(program.wait() & 0xFFFFFFFF)
    if session is not None:
        session.note_ended(status)
    for reader in readers:
        reader.join(_LAST_WORDS_SECONDS)  # what it has left behind may hold its pipes open
    if session is not None:
        session.say_finished(status, _used(_handle_of(program)))
    return status


def _place() -> Path | None:
    """Where the session's folder is to be, which the program has to know before it has a pid."""
    trouble = None
    for root in spool.spool_roots():
        try:
            spool.open_root(root)
        except OSError as error:
            trouble = trouble or error
        else:
            return Path(root).absolute() / f"run-{uuid.uuid4().hex[:8]}" / str(uuid.uuid4())
    say(f"it runs without a session: {trouble}")
    return None


def _handle_of(program: subprocess.Popen[bytes]) -> int:
    """The handle by which it was made, which may do anything; it is open for as long as the object is there."""
    return int(vars(program)["_handle"])


def _resume(program: subprocess.Popen[bytes]) -> None:
    """Let it go on. Where the system does not let it, it is ended: it would stand there for ever."""
    status = _ntdll.NtResumeProcess(_handle_of(program))
    if status < 0:
        say(f"the system does not let it go on (NTSTATUS {status & 0xFFFFFFFF:#010x}): it is ended")
        program.kill()


def _pass_on(program: subprocess.Popen[bytes], session: WrappedSession | None) -> list[threading.Thread]:
    """Threads that hand on what the program prints, and have the session hear it."""
    readers = []
    for name, stream, target in (("stdout", program.stdout, 1), ("stderr", program.stderr, 2)):
        if stream is not None:
            arguments = (name, stream.fileno(), target, session)
            readers.append(threading.Thread(target=_read, args=arguments, name=name, daemon=True))
            readers[-1].start()
    return readers


def _read(name: str, source: int, target: int, session: WrappedSession | None) -> None:
    while piece := os.read(source, _PIECE):
        if session is not None:
            session.hear(name, piece)
        left = memoryview(piece)
        with contextlib.suppress(OSError):  # nobody reads ours any more
            while left:
                left = left[os.write(target, left) :]


def _used(handle: int) -> Used:
    user, system = cpu_seconds(handle) or (0.0, 0.0)
    memory = memory_bytes(handle)
    return Used(user, system, None if memory is None else memory[1])
