"""Parses what `faulthandler` writes: the stacks of all threads, after a fatal signal or on request.

A thread's part of a dump is a line such as `Current thread 0x00007f12 [name] (most recent call first):` and then
`  File "game.py", line 12 in move` for each frame, innermost first. Everything else is passed over.
"""

from __future__ import annotations

import re
from typing import Any

_THREAD = re.compile(r"^(Current thread|Thread) (0x[0-9a-fA-F]+)(?: \[(.*)\])? \(most recent call first\):")
_FRAME = re.compile(r'^  File "(.*)", line (\d+|\?\?\?) in (.*)$')
_FATAL = re.compile(r"^Fatal Python error: (.*)$")

_FATAL_SIGNALS = {
    "Segmentation fault": "SIGSEGV",
    "Bus error": "SIGBUS",
    "Floating point exception": "SIGFPE",
    "Floating-point exception": "SIGFPE",
    "Illegal instruction": "SIGILL",
    "Aborted": "SIGABRT",
}
MAX_THREADS = 200


def parse_stacks(text: str) -> list[dict[str, Any]]:
    """The threads of the last dump in `text`, in the shape `stacks` of docs/design/records.md."""
    threads: list[dict[str, Any]] = []
    seen: set[str] = set()
    frames: list[dict[str, Any]] | None = None
    for line in text.splitlines():
        thread = _THREAD.match(line)
        frame = _FRAME.match(line)
        if thread:
            identity = thread.group(2)
            if identity in seen:
                threads, seen = [], set()
            seen.add(identity)
            frames = []
            threads.append(
                {
                    "thread": identity,
                    "name": thread.group(3),
                    "current": thread.group(1) == "Current thread",
                    "frames": frames,
                }
            )
        elif frame and frames is not None:
            number = int(frame.group(2)) if frame.group(2).isdigit() else None
            frames.append({"file": frame.group(1), "line": number, "function": frame.group(3)})
        elif not line.startswith("  "):
            frames = None
    return threads[:MAX_THREADS]


def fatal_error(text: str) -> str | None:
    """What the last `Fatal Python error:` line says, e.g. `Segmentation fault`."""
    errors = [match.group(1) for match in map(_FATAL.match, text.splitlines()) if match]
    return errors[-1] if errors else None


def fatal_signal(text: str) -> str | None:
    """The name of the signal that a dump was written for, or None."""
    return _FATAL_SIGNALS.get(fatal_error(text) or "")
