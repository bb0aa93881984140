"""Reads the stacks that programs print when they fail: Python's tracebacks and Go's panics; others in `stacks`.

Python (2.7 to 3.14, `traceback.format_exception`): blocks of `Traceback (most recent call last):`, two lines a frame,
and the exception; of a chain the last block was raised last. An exception group is printed behind a margin of `|`, its
parts between lines of `+---`, two columns further in.
Go (`debug.PrintStack`, a panic): `goroutine 1 [running]:`, then a function and, behind a tab, its place, the innermost
first.
"""

import re
from collections.abc import Iterable

from datacat_server.problems.frames import Frame
from datacat_server.problems.raised import Raised
from datacat_server.problems.stacks import read_printed

_MOST_LINES = 20_000
_LONGEST_LINE = 1_000

_GROUP = 2  # the column of the margin of a group that is not part of another
_MARGIN = re.compile(r"^( *)([|+])(?: (.*)|(-.*)|$)")
_HEADER = re.compile(r"^(?:Exception Group )?Traceback \(most recent call last\):\s*$")
_FRAME = re.compile(r'^ {0,2}File "(.*)", line \d+(?:, in (.*))?$')
_RAISED = re.compile(r"^([A-Za-z_][\w.<>]*)(?:: (.*))?$")
_GOROUTINE = re.compile(r"^goroutine \d+ .*\[.*\]:$")
_PANIC = re.compile(r"^(panic|fatal error): (.*?)(?: \[recovered\])?$")
_GO_PLACE = re.compile(r"^\t(.+):\d+(?: \+0x[0-9a-f]+)?$")
_GO_CALL = re.compile(r"^(?:created by )?(.+?)(?:\([^()]*\)|\(\.\.\.\))?(?: in goroutine \d+)?$")


def read_stack(lines: Iterable[str]) -> Raised | None:
    """What was raised last, as far as the lines tell; None where they hold no stack that is known here."""
    texts = [text[:_LONGEST_LINE] for line in lines for text in (line.splitlines() or [""])][-_MOST_LINES:]
    return _read_python(texts) or _read_go(texts) or read_printed(texts)


def _read_python(lines: list[str]) -> Raised | None:
    blocks: list[tuple[int, Raised]] = []  # with the column of the margin that each stands behind
    current: Raised | None = None  # while its frames are being read
    for line in lines:
        column, text = 0, line
        if margin := _MARGIN.match(line):
            inside = margin[3] or margin[4] or ""
            # Any other line that looks like a margin is somebody's own.
            if blocks or _HEADER.match(inside):
                column, text = len(margin[1]), inside
        if _HEADER.match(text):
            if not (blocks and blocks[-1][0] == column and current is not None and not current.stack):
                blocks.append((column, current := Raised()))
        elif column and text.startswith(("-+-", "----")) and text.endswith("----"):
            blocks.append((column + 2 if text.startswith("-+") else column, current := Raised()))
        elif current is None:
            continue
        elif frame := _FRAME.match(text):
            current.stack.append(Frame(frame[1], frame[2] or "<module>"))
        elif text and not text.startswith(" ") and (raised := _RAISED.match(text)):
            current.type, current.message = raised[1], raised[2] or ""
            current = None
    for _, block in blocks:
        block.stack.reverse()
    return _outermost([(column, block) for column, block in blocks if block.type or block.stack])


def _outermost(blocks: list[tuple[int, Raised]]) -> Raised | None:
    """The last block that is not part of a group; behind a group's own block stand its parts."""
    if not blocks:
        return None
    last = max((at for at, (column, _) in enumerate(blocks) if column <= _GROUP), default=0)
    found = blocks[last][1]
    found.parts = [block for column, block in blocks[last + 1 :] if column == _GROUP + 2]
    return found


def _read_go(lines: list[str]) -> Raised | None:
    """The first goroutine, which is the one that panicked."""
    found = Raised()
    inside = False
    call = ""
    for line in lines:
        if not found.type and (panic := _PANIC.match(line)):
            found.type, found.message = panic[1], panic[2]
        elif _GOROUTINE.match(line):
            if found.stack:
                break
            inside = True
        elif inside and (place := _GO_PLACE.match(line)):
            found.stack.append(Frame(place[1], call))
        elif inside and (named := _GO_CALL.match(line)):
            call = named[1].rpartition("/")[2]
    return found if found.stack or found.type else None
