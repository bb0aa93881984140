"""A state as indented lines, with what its last change changed marked."""

from collections.abc import Iterator
from typing import Any

from rich.text import Text

from datacat_server.telling.state_tree import tree
from datacat_server.terminal.style import cut, said

_MARKS = {"added": ("+", "green"), "changed": ("~", "yellow"), "removed": ("-", "red")}


def state_lines(state: dict[str, Any], before: dict[str, Any] | None, width: int | None) -> Iterator[Text]:
    """A line for each key; `before` is the state ahead of its last change, None where nothing is to be marked."""
    shown = tree(state, before)
    for row in shown.rows:
        mark, style = _MARKS.get(row.change, (" ", ""))
        line = Text.assemble((f"{mark} ", style), "  " * row.depth, said(row.key, style or "cyan"))
        if row.value is not None:
            line.append("  ").append_text(said(row.value))
        if row.old is not None:
            line.append(" ← " if row.value is not None else "  ", "dim").append_text(said(row.old, "dim"))
        yield cut(line, width)
    if shown.left_out:
        yield Text("  … and more; --json has all", "dim")
