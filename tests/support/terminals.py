"""Commands in a terminal of their own: a pseudo-terminal of some size, what it shows, and Ctrl-C."""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

_CONTROLS = re.compile(r"\x1b(\[[0-9;?]*[A-Za-z]|\][^\x07]*\x07)")
_PATIENCE_SECONDS = 60.0


DATACAT = (sys.executable, "-c", "from datacat_server.cli.main import main; main()")


class Terminal:
    """A program in a terminal.

    Args:
        words: its arguments.
        program: by default `datacat`.
        columns, rows: the size of the terminal.
        folder: where it runs.
        environment: variables beside those of this process without DataCat's.

    Attributes:
        raw: what was printed so far, with all escape sequences.
    """

    def __init__(
        self,
        *words: str,
        folder: Path,
        columns: int = 80,
        rows: int = 24,
        program: Sequence[str] = DATACAT,
        **environment: str,
    ) -> None:
        self._end, inner = pty.openpty()
        fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.process = subprocess.Popen(
            [*program, *words],
            stdin=inner,
            stdout=inner,
            stderr=inner,
            cwd=folder,
            env=_environment() | {"TERM": "xterm-256color"} | environment,
            start_new_session=True,
            preexec_fn=_take_terminal,
        )
        os.close(inner)
        self.raw = ""

    @property
    def text(self) -> str:
        """What was printed so far, without escape sequences."""
        return _CONTROLS.sub("", self.raw).replace("\r\n", "\n")

    @property
    def lines(self) -> list[str]:
        return self.text.splitlines()

    def until(self, wanted: str) -> None:
        """Read until it has printed a text."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while wanted not in self.text:
            assert self._read(deadline), f"{wanted!r} was not printed, but:\n{self.text}"

    def type(self, text: str) -> None:
        """Type a text."""
        os.write(self._end, text.encode())

    def interrupt(self) -> None:
        """Press Ctrl-C."""
        self.type("\x03")

    def finish(self) -> int:
        """Read to its end; its exit code."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while self._read(deadline):
            pass
        return self.process.wait(_PATIENCE_SECONDS)

    def close(self) -> None:
        """End it, if it still runs."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self._end)

    def _read(self, deadline: float) -> bool:
        if not select.select([self._end], [], [], max(0.0, deadline - time.monotonic()))[0]:
            raise AssertionError(f"nothing came any more after:\n{self.text}")
        try:
            content = os.read(self._end, 65536)
        except OSError:  # EIO: nobody has the other end any more
            return False
        self.raw += content.decode(errors="replace")
        return bool(content)


def _take_terminal() -> None:
    """Make standard input the terminal whose Ctrl-C is this process's."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def _environment(own: Mapping[str, str] = os.environ) -> dict[str, str]:
    left_out = ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "COLORTERM")
    return {name: value for name, value in own.items() if not name.startswith("DATACAT_") and name not in left_out}
