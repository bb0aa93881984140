"""Collects the stacks of a process from outside, by py-spy, where that is installed and allowed to look into it."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from datacat_daemon.watching.stacks import MAX_THREADS

_MOST_BYTES = 16 << 20
_CHUNK = 1 << 16


def find_py_spy() -> str | None:
    """The path of the command: beside this interpreter, else on the PATH; None where there is none."""
    beside = Path(sys.executable).parent / ("py-spy.exe" if sys.platform == "win32" else "py-spy")
    return str(beside) if os.access(beside, os.X_OK) else shutil.which("py-spy")


class PySpyDump:
    """Runs py-spy on a process, without waiting for it and without stopping the process. Raises OSError.

    Args:
        command: the path of py-spy.
        pid: the process.
        deadline: when to give up, seconds on the monotonic clock.

    Attributes:
        trouble: once it is ready: why there are no stacks, None if there are.
    """

    def __init__(self, command: str, pid: int, deadline: float) -> None:
        self.trouble: str | None = None
        self._deadline = deadline
        self._output = bytearray()
        self._errors = bytearray()
        self._process = subprocess.Popen(
            [command, "dump", "--pid", str(pid), "--json", "--nonblocking"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        # Threads, for not every system reads a pipe without waiting, and who waits does not look after the process.
        self._readers = []
        for stream, kept in ((self._process.stdout, self._output), (self._process.stderr, self._errors)):
            assert stream is not None
            reader = threading.Thread(target=_read, args=(stream.fileno(), kept), name="py-spy", daemon=True)
            reader.start()
            self._readers.append(reader)

    def ready(self, now: float) -> bool:
        """True when there is nothing more to expect; `now` in seconds on the monotonic clock."""
        process = self._process
        if process.stdout is None or process.stdout.closed:
            return True
        ended = process.poll() is not None and not any(reader.is_alive() for reader in self._readers)
        if not ended and now < self._deadline and len(self._output) <= _MOST_BYTES:
            return False
        self.close()
        if not ended:
            self.trouble = "py-spy took too long"
        elif process.returncode:
            self.trouble = _in_a_line(self._errors.decode("utf-8", "replace"))
        return True

    def stacks(self) -> list[dict[str, Any]]:
        """What it saw, in the shape `stacks` of docs/design/records.md."""
        if not self._output or self.trouble is not None:
            return []
        try:
            return [_thread(thread) for thread in json.loads(self._output)[:MAX_THREADS]]
        except (ValueError, KeyError, TypeError) as error:
            self.trouble = f"py-spy's answer is not understood: {error!r}"
            return []

    def close(self) -> None:
        """Let go of it, also while it runs."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        for reader in self._readers:
            reader.join()
        for stream in (self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()


def _read(descriptor: int, kept: bytearray) -> None:
    """Read a pipe to its end, or until it is too much."""
    with contextlib.suppress(OSError):
        while len(kept) <= _MOST_BYTES and (chunk := os.read(descriptor, _CHUNK)):
            kept += chunk


def _thread(thread: dict[str, Any]) -> dict[str, Any]:
    """One thread of `py-spy dump --json`; which one is current it tells by the interpreter lock."""
    identity = thread["thread_id"]
    return {
        "thread": f"0x{identity:016x}",
        "name": thread["thread_name"],
        "current": bool(thread["owns_gil"]),
        "frames": [
            {"file": frame["filename"], "line": frame["line"] or None, "function": frame["name"]}
            for frame in thread["frames"]
        ],
    }


def _in_a_line(errors: str) -> str:
    """The first line of what py-spy complains of, and what it was caused by."""
    lines = [line.strip() for line in errors.split("Stack backtrace:")[0].splitlines() if line.strip()]
    return " ".join(lines)[:300] or "py-spy failed"
