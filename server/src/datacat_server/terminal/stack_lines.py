"""Stacks and tracebacks as lines, the innermost call first."""

from collections.abc import Iterator, Sequence

from rich.text import Text

from datacat_server.telling.evidence import Frame, Stacks, told
from datacat_server.terminal.style import cut, said
from datacat_server.terminal.table import Column, table_lines
from datacat_server.wording import shorten

FRAMES_SHOWN = 8
THREADS_NAMED = 6

_COLUMNS = (Column("", least=16), Column("", least=12), Column("", least=20, goes=1))


def frame_lines(frames: Sequence[Frame], width: int | None, *, full: bool) -> Iterator[Text]:
    """A line for each call: where, in which function, and the code; libraries dim. Some of them, unless `full`."""
    shown = frames if full else frames[: max(FRAMES_SHOWN, told(list(frames)) + 1)]
    rows = [_row(frame, place == told(list(frames))) for place, frame in enumerate(shown)]
    for line in table_lines(_COLUMNS, rows, None if width is None else max(1, width - 2), titles=False):
        yield Text("  ").append_text(line)
    if len(shown) < len(frames):
        yield Text(f"  … {len(frames) - len(shown)} more (--full)", "dim")


def thread_lines(stacks: Stacks, width: int | None, *, full: bool) -> Iterator[Text]:
    """The current thread's stack, and the names of the others; `full`: their stacks, too."""
    shown = stacks.threads if full else stacks.threads[:1]
    for thread in shown:
        yield cut(Text("  ").append_text(said(thread.label, "bold")), width)
        yield from frame_lines(thread.frames, width, full=full)
    if others := stacks.threads[len(shown) :]:
        names = ", ".join(shorten(thread.label, 30) for thread in others[:THREADS_NAMED])
        more = ", …" if len(others) > THREADS_NAMED else ""
        yield cut(said(f"  and {len(others)} more: {names}{more} (--full)", "dim"), width)


def _row(frame: Frame, tells: bool) -> list[Text]:
    style = "dim" if frame.library else "bold" if tells else ""
    return [said(frame.place, style), said(frame.function, style), said(frame.source or "", "dim")]
