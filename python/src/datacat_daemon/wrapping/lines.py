"""Output as lines for people: cut out of the bytes of a program, each of bounded length."""

from __future__ import annotations

import re

MOST_BYTES = 8 << 10
_ESCAPES = re.compile(r"\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)|[()*+][0-9A-Za-z]|[@-Z\\-_])")


class Lines:
    """Cuts a stream of bytes into lines.

    A carriage return begins a line anew, as on a terminal: of a progress bar its last state is kept. Escape sequences
    (colours) are left out, what is no UTF-8 is replaced, and what is longer than MOST_BYTES is cut and marked.
    """

    def __init__(self) -> None:
        self._begun = b""
        self._length = 0

    def feed(self, chunk: bytes) -> list[str]:
        """The lines that this chunk completes."""
        *whole, rest = chunk.split(b"\n")
        lines = []
        for piece in whole:
            self._add(piece)
            lines.append(self._take())
        self._add(rest)
        return lines

    def finish(self) -> list[str]:
        """The line that was begun and not ended, if there is one."""
        return [self._take()] if self._length else []

    def _add(self, piece: bytes) -> None:
        if self._begun.endswith(b"\r") and piece:
            self._begun, self._length = b"", 0
        kept = piece[:-1].rfind(b"\r") + 1
        if kept:
            self._begun, self._length = b"", 0
        self._begun += piece[kept : kept + MOST_BYTES - len(self._begun)]
        self._length += len(piece) - kept

    def _take(self) -> str:
        line, length = self._begun, self._length
        self._begun, self._length = b"", 0
        text = _ESCAPES.sub("", line.rstrip(b"\r").decode("utf-8", "replace"))
        return text if length <= MOST_BYTES else f"{text}… ({length} bytes)"
