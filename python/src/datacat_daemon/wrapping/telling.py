"""What the wrapper says by itself, on stderr, and the exit codes of a shell that cannot run a program."""

from __future__ import annotations

import sys

COMMAND_NOT_FOUND = 127
CANNOT_EXECUTE = 126


def say(text: str) -> None:
    """A line of the wrapper's own."""
    print(f"datacat run: {text}", file=sys.stderr, flush=True)
