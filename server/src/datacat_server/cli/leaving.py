"""How a command ends, the same for each: with what is wrong in words, by Ctrl-C, or as nobody reads on.

Of Typer and Rich nothing is known here: a server that is started again after it was killed is waited for.
"""

import errno
import json
import os
import signal
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from shutil import get_terminal_size
from types import FrameType
from typing import NoReturn

from datacat_server.terminal.colours import wants_colours

FAILED = 1
MISUSED = 2
INTERRUPTED = 130
"""What a shell makes of Ctrl-C."""

_KINDS = {FAILED: "failed", MISUSED: "misused"}
_BOLD_RED, _BOLD_YELLOW, _PLAIN = "\033[1;31m", "\033[1;33m", "\033[0m"
_ENDING_SIGNALS = ("SIGTERM", "SIGHUP")
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)


class CommandError(Exception):
    """What a command cannot go on with; the message says what to do."""


def fail(message: object, code: int = FAILED) -> NoReturn:
    """Say what is wrong on standard error and leave with an exit code.

    Where the command was asked for JSON it is an object of a line, `{"error": KIND, "details": MESSAGE}`, as the API's
    errors are.
    """
    if "--json" in sys.argv[1:]:
        print(json.dumps({"error": _KINDS[code], "details": str(message)}), file=sys.stderr)
    else:
        _say("error:", str(message), _BOLD_RED)
    raise SystemExit(code)


def warn(message: object) -> None:
    """Say on standard error what is not as it should be, and go on."""
    _say("warning:", str(message), _BOLD_YELLOW)


@contextmanager
def leaving_well() -> Iterator[None]:
    """Around a whole command: exit code 1 with what is wrong in words, 130 by Ctrl-C, 1 where nobody reads on.

    What asks it to end, or its terminal going away, ends it as Ctrl-C does, with nothing left behind; for whoever
    waits for it, it has died by that signal.
    """
    _have_all_three()
    asked: list[int] = []

    def end(number: int, frame: FrameType | None) -> None:
        asked.append(number)
        raise KeyboardInterrupt

    for name in _ENDING_SIGNALS:
        if hasattr(signal, name) and signal.getsignal(getattr(signal, name)) is signal.SIG_DFL:
            signal.signal(getattr(signal, name), end)
    try:
        try:
            yield
        finally:
            sys.stdout.flush()
    except CommandError as error:
        fail(error)
    except BrokenPipeError:
        _leave_quietly()
    except KeyboardInterrupt:
        if asked:
            signal.signal(asked[0], signal.SIG_DFL)
            signal.raise_signal(asked[0])
        if sys.stderr.isatty():
            print(file=sys.stderr)  # the prompt is not to stand behind ^C
        _drop_output()
        raise SystemExit(INTERRUPTED) from None
    except OSError as error:
        if error.errno == errno.ENOENT and _is_nowhere():
            fail("the folder in which this was started has been deleted; go to another one")
        if error.errno not in _NO_ROOM:
            raise
        _drop_output()
        fail(f"what there is to say cannot be written: {error.strerror}")


def _is_nowhere() -> bool:
    try:
        return not os.getcwd()
    except OSError:
        return True


def _have_all_three() -> None:
    """Who has closed standard output, or standard error, as services may, wants none of what would go there; where
    standard input is closed, there is nothing to read. No file that is opened later takes their numbers then.
    """
    sys.stdin = sys.stdin or open(os.devnull, encoding="utf-8")  # noqa: SIM115
    sys.stdout = sys.stdout or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    sys.stderr = sys.stderr or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115


def _leave_quietly() -> NoReturn:
    """Whoever reads the other end has seen enough."""
    _drop_output()
    raise SystemExit(FAILED)


def _drop_output() -> None:
    """What could not be written is written nowhere, or Python would complain when it closes standard output."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _say(word: str, message: str, style: str) -> None:
    """A message behind a word; in a terminal it is broken between words, if it has to be."""
    text = f"{word} {message}"
    if sys.stderr.isatty():
        width = max(20, get_terminal_size().columns)
        fill = textwrap.TextWrapper(width, break_long_words=False, break_on_hyphens=False).fill
        text = "\n".join(fill(line) if len(line) > width else line for line in text.splitlines())
    if wants_colours(sys.stderr):
        text = text.replace(word, f"{style}{word}{_PLAIN}", 1)
    print(text, file=sys.stderr)
