"""What a program prints: passed on as it is, and read on the way.

Each of its two streams has a pipe, or where ours is a terminal a pseudo-terminal, so that the program still sees one,
and a thread that hands on what comes. Where both of ours are the same terminal, pipe or file, both of the program's
are one stream, too: only so the order stays in which it wrote them. A thread writes before it reads on: however much a
program prints, no more than one piece of each stream is in memory, and a slow reader slows the program down as it would
without us. When our output is closed (`| head`), the program's is too.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import stat
import sys
import termios
import threading
import time
from collections.abc import Callable

assert sys.platform != "win32"

Heard = Callable[[str, bytes], None]

_PIECE = 64 << 10
_QUIET_SECONDS = 0.1
_MOST_SECONDS = 2.0


class Output:
    """Both streams of a program."""

    def __init__(self) -> None:
        self._over, self._stop = os.pipe()
        self._streams = [_Stream("stdout", 1, self._over)]
        if not _are_one(1, 2):
            self._streams.append(_Stream("stderr", 2, self._over))
        self.resize()

    @property
    def descriptors(self) -> tuple[int, int]:
        """What is to become the program's stdout and stderr."""
        return self._streams[0].inner, self._streams[-1].inner

    def start(self, heard: Heard | None) -> None:
        """The program has its ends; begin to pass on.

        Args:
            heard: called with the stream's name, "stdout" or "stderr", and a piece of it; from a thread per stream.
                One stream for both is "stdout".
        """
        for stream in self._streams:
            os.close(stream.inner)
            stream.start(heard)

    def resize(self) -> bool:
        """Give pseudo-terminals the size that the terminal has now; False where there are none."""
        resized = [stream.resize() for stream in self._streams]
        return any(resized)

    def finish(self) -> None:
        """The program has ended: pass on what it still said.

        Processes that it left behind may hold the streams open: they are heard until they pause, for two seconds at
        most.
        """
        os.close(self._stop)
        for stream in self._streams:
            stream.join()
        os.close(self._over)


class _Stream:
    def __init__(self, name: str, target: int, over: int) -> None:
        self._name = name
        self._target = target
        self._over = over
        self._deadline = float("inf")
        self._terminal = os.isatty(target)
        self._source, self.inner = _pseudo_terminal() if self._terminal else os.pipe()

    def start(self, heard: Heard | None) -> None:
        self._thread = threading.Thread(target=self._run, args=(heard,), name=self._name, daemon=True)
        self._thread.start()

    def join(self) -> None:
        self._thread.join()

    def resize(self) -> bool:
        if self._terminal:
            with contextlib.suppress(OSError):
                size = fcntl.ioctl(self._target, termios.TIOCGWINSZ, bytes(8))
                fcntl.ioctl(self._source, termios.TIOCSWINSZ, size)
        return self._terminal

    def _run(self, heard: Heard | None) -> None:
        try:
            while piece := self._read():
                self._pass_on(piece)
                if heard is not None:
                    heard(self._name, piece)
        except OSError:
            pass  # nobody reads any more; the program learns of it by the closing of its own stream
        finally:
            os.close(self._source)

    def _read(self) -> bytes:
        poll = select.poll()
        poll.register(self._source, select.POLLIN)
        poll.register(self._over, select.POLLIN)
        ready = dict(poll.poll())
        if self._over in ready:
            return self._read_rest(poll)
        return self._read_piece()

    def _read_rest(self, poll: select.poll) -> bytes:
        poll.unregister(self._over)
        self._deadline = min(self._deadline, time.monotonic() + _MOST_SECONDS)
        if time.monotonic() > self._deadline or not poll.poll(_QUIET_SECONDS * 1000):
            return b""
        return self._read_piece()

    def _read_piece(self) -> bytes:
        try:
            return os.read(self._source, _PIECE)
        except OSError:  # the other end of a pseudo-terminal is closed
            return b""

    def _pass_on(self, piece: bytes) -> None:
        left = memoryview(piece)
        while left:
            try:
                left = left[os.write(self._target, left) :]
            except BlockingIOError:
                poll = select.poll()
                poll.register(self._target, select.POLLOUT)
                poll.poll()


def _are_one(first: int, second: int) -> bool:
    """Two descriptors lead to the same place, where order can be seen: so not to the same /dev/null."""
    try:
        one, other = os.fstat(first), os.fstat(second)
    except OSError:
        return False
    ordered = os.isatty(first) or not stat.S_ISCHR(one.st_mode)
    return ordered and (one.st_dev, one.st_ino) == (other.st_dev, other.st_ino)


def _pseudo_terminal() -> tuple[int, int]:
    """Ours and the program's end of a pseudo-terminal that changes nothing of what is written into it."""
    ours, programs = os.openpty()
    modes = termios.tcgetattr(programs)
    modes[1] &= ~termios.OPOST
    termios.tcsetattr(programs, termios.TCSANOW, modes)
    return ours, programs
