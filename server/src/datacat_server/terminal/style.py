"""Colours, icons and words, and text that does nothing to a terminal but stand there."""

import sys
from io import TextIOWrapper
from typing import Literal

from rich.console import Console
from rich.text import Text

from datacat_server.model import Status
from datacat_server.terminal.colours import wants_colours

STATUS_ICONS: dict[str, str] = {
    Status.CRASHED: "✗",
    Status.HUNG: "◷",
    Status.SUSPENDED: "⏸",
    Status.ENDED: "✓",
    Status.ACTIVE: "▶",
}
STATUS_STYLES: dict[str, str] = {
    Status.CRASHED: "bold red",
    Status.HUNG: "bold yellow",
    Status.SUSPENDED: "magenta",
    Status.ENDED: "green",
    Status.ACTIVE: "bold blue",
}
LEVEL_STYLES = {"debug": "dim", "info": "cyan", "warning": "yellow", "error": "red", "critical": "bold reverse red"}
LONGEST_LEVEL = 8

_BIDIRECTIONAL = [0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)]
_HARMLESS: dict[int, str] = {
    **{code: chr(0x2400 + code) for code in range(0x20)},
    **dict.fromkeys([0x7F, *range(0x80, 0xA0), *_BIDIRECTIONAL], "\N{REPLACEMENT CHARACTER}"),
    **dict.fromkeys(map(ord, "\n\r\t\v\f\u0085\u2028\u2029"), " "),
}


def safe(text: str) -> str:
    """The text in one line without what would move the cursor, ring, or turn the direction of reading.

    What applications log is printed on terminals of people who did not write it.
    """
    return text.translate(_HARMLESS)


def said(text: str, style: str = "") -> Text:
    """Text that came from an application."""
    return Text(safe(text), style)


def status_text(status: str) -> Text:
    """A status as its icon and its word."""
    return Text(f"{STATUS_ICONS.get(status, ' ')} {safe(status)}", STATUS_STYLES.get(status, ""))


def output(*, errors: bool = False) -> Console:
    """Standard output, or standard error, as wide as its terminal, and with colours where these are wanted."""
    stream = sys.stderr if errors else sys.stdout
    if isinstance(stream, TextIOWrapper) and stream.encoding.lower() not in ("utf-8", "utf8"):
        stream.reconfigure(errors="replace")  # an icon that the terminal's encoding has not is no reason to fail
    is_terminal = stream.isatty()
    # What is forced into a pipe has the colours that every terminal has: where it is shown in the end, nobody knows.
    colours: Literal["auto", "standard"] = "auto" if is_terminal else "standard"
    return Console(
        stderr=errors,
        force_terminal=is_terminal,
        color_system=colours if wants_colours(stream) else None,
        highlight=False,
        markup=False,
        emoji=False,
    )


def show(console: Console, line: Text) -> None:
    """Print a line as it is, neither wrapped nor cut."""
    console.print(line, soft_wrap=True)


def width_of(console: Console) -> int | None:
    """The columns that lines are to fit in; None where they are not for a terminal."""
    return console.width if console.is_terminal else None


def cut(line: Text, width: int | None) -> Text:
    """The line, marked with an ellipsis where it is cut to so many columns."""
    if width is not None:
        line.truncate(width, overflow="ellipsis")
    return line
