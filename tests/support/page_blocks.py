"""The code blocks of a Markdown page, and what the comments before them say about running them.

A comment on the lines before a block directs what becomes of it; any that is not known here is an error:

    <!-- not run: reason -->     the block is shown, and no more
    <!-- exit: 1 -->             a shell block is to exit with this code
    <!-- raises: KeyError -->    a Python block is to end in this exception
    <!-- background -->          a shell block is started, and left running until the page ends
    <!-- output -->              the block is what the one before it printed; "..." stands for anything
    <!-- hidden: sh              (or python) the comment's other lines are run, and not shown
    ... -->
    <!-- server: none -->        anywhere in a page: it has no server
"""

import re
import textwrap
from dataclasses import dataclass, field
from pathlib import Path

_COMMENT = re.compile(r"^[ \t]*<!--(.*?)-->[ \t]*$", re.DOTALL)
_FENCE = re.compile(r"^([ \t]*)(`{3,}|~{3,})[ \t]*([^\s`]*)([^`]*)$")
_TITLE = re.compile(r'title="([^"]+)"')
_DIRECTIVES = ("not run", "exit", "raises", "background", "output", "hidden", "server")


@dataclass
class Block:
    """A block of a page.

    Attributes:
        language: as its fence names it; "" without one.
        text: its lines, without what they are all indented by.
        line: where its first line stands in the page, from 1.
        title: the file that it is, or None.
        directives: what the comments before it say, by their first word.
    """

    language: str
    text: str
    line: int
    title: str | None = None
    directives: dict[str, str] = field(default_factory=dict)


@dataclass
class Page:
    """A page: its blocks from top to bottom, and whether it has a server."""

    path: Path
    blocks: list[Block]
    has_server: bool


def read_page(path: Path) -> Page:
    """The blocks of a file. Raises ValueError where a comment or a fence is none that this understands."""
    lines = path.read_text(encoding="utf-8").splitlines()
    blocks: list[Block] = []
    waiting: dict[str, str] = {}
    has_server = True
    at = 0
    while at < len(lines):
        if lines[at].lstrip().startswith("<!--"):
            end = _line_with("-->", lines, at, path)
            name, said = _directive(lines[at : end + 1], at, path)
            if name == "hidden":
                blocks.append(Block(said, textwrap.dedent("\n".join(lines[at + 1 : end])), at + 2))
            elif name == "server":
                has_server = False
            elif name:
                waiting[name] = said
            at = end + 1
        elif fence := _FENCE.match(lines[at]):
            indent, ticks, language, rest = fence.groups()
            end = _closing(indent, ticks, lines, at, path)
            text = "\n".join(line[len(indent) :] for line in lines[at + 1 : end])
            title = _TITLE.search(rest)
            blocks.append(Block(language, text, at + 2, title and title[1], waiting))
            waiting = {}
            at = end + 1
        else:
            if lines[at].strip() and waiting:
                raise ValueError(f"{path}:{at + 1}: there is no block after the comment {waiting}")
            at += 1
    return Page(path, blocks, has_server)


def _directive(lines: list[str], at: int, path: Path) -> tuple[str, str]:
    """The name and the value of a comment; ("", "") for one that is for readers of the source."""
    comment = _COMMENT.match("\n".join(lines))
    words = comment[1].strip() if comment else ""
    name, _, value = words.partition("\n")[0].partition(":")
    if name.strip() in _DIRECTIVES:
        return name.strip(), value.strip()
    if name.strip().split(" ")[0] in ("note", "Note"):
        return "", ""
    raise ValueError(f"{path}:{at + 1}: nobody knows what to do with {lines[0].strip()!r}; begin remarks with 'note:'")


def _line_with(end: str, lines: list[str], at: int, path: Path) -> int:
    for number in range(at, len(lines)):
        if end in lines[number]:
            return number
    raise ValueError(f"{path}:{at + 1}: the comment does not end")


def _closing(indent: str, ticks: str, lines: list[str], at: int, path: Path) -> int:
    for number in range(at + 1, len(lines)):
        if lines[number].rstrip() == indent + ticks:
            return number
    raise ValueError(f"{path}:{at + 1}: the block does not end")
