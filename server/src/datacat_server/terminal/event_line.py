"""Events as lines."""

from zlib import crc32

from rich.text import Text

from datacat_server.store.views import StoredEvent
from datacat_server.telling import evidence
from datacat_server.telling.event_rows import event_row
from datacat_server.terminal.session_table import SHORT_ID
from datacat_server.terminal.style import LEVEL_STYLES, LONGEST_LEVEL, cut, said, status_text
from datacat_server.wording import shorten

LONGEST_MESSAGE = 2_000
WIDEST_PRODUCT = 14

_OF_SESSIONS = ("cyan", "magenta", "blue", "green", "bright_cyan", "bright_magenta", "bright_blue")


def event_line(stored: StoredEvent, when: str, width: int | None, whose: Text | None = None) -> Text:
    """A line for an event: when, how much it matters, `whose` it is, and what it says; cut to `width` cells."""
    event = stored.event
    row = event_row(stored, event.timestamp)
    line = Text.assemble(
        (when, "dim"),
        "  ",
        (event.level.ljust(LONGEST_LEVEL), LEVEL_STYLES.get(event.level, "")),
        "  ",
    )
    if whose is not None:
        line.append_text(whose).append("  ")
    line.append_text(said(event.name, "bold"))
    if row.message:
        line.append("  ").append_text(said(shorten(row.message, LONGEST_MESSAGE), _style(event.level)))
    if row.traceback and row.traceback.frames:
        line.append("  ").append_text(said(row.traceback.frames[evidence.told(row.traceback.frames)].place, "dim"))
    if row.preview:
        line.append("  ").append_text(said(row.preview, "dim"))
    if row.origin:
        line.append("  ").append_text(said(f"[{row.origin}]", "dim"))
    return cut(line, width)


def turn_line(status: str, when: str, whose: Text, words: str) -> Text:
    """A line among events for what became of a session."""
    word = status_text(status)
    word.pad_right(max(1, LONGEST_LEVEL + 2 - word.cell_len))
    return Text.assemble((when, "dim"), "  ", word, whose, "  ", said(words))


def whose_text(session_id: str, product: str) -> Text:
    """Whose an event is, as wide for each; a session has one colour."""
    style = _OF_SESSIONS[crc32(session_id.encode()) % len(_OF_SESSIONS)]
    short = said(session_id[:SHORT_ID], style)
    short.pad_right(SHORT_ID - short.cell_len)
    named = cut(said(product), WIDEST_PRODUCT)
    named.pad_right(WIDEST_PRODUCT - named.cell_len)
    return Text.assemble(short, " ", named)


def _style(level: str) -> str:
    return {"error": "red", "critical": "bold red", "warning": "yellow", "debug": "dim"}.get(level, "")
