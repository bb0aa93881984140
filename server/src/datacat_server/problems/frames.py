"""The frames of a stack that tell one problem from another: those of the application's own code.

Neither line numbers nor addresses count, and of a file only its place below the folder that all of them share: the
same code has the same frames on another machine, and after a few lines were added above it.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

MOST_FRAMES = 20
"""How many frames, the innermost ones, make a problem."""

_LONGEST_TEXT = 200
_LONGEST_CYCLE = 8
_MOST_LOOKED_AT = 1_000

_INTERPRETER = re.compile(
    r"^<|[\\/]lib(64)?[\\/]python[\d.]+[\\/](?!(site|dist)-packages[\\/])|[\\/]python\d+[\\/]lib[\\/](?!site-packages[\\/])"
    r"|[\\/]python\d+\.zip[\\/]|[\\/]go(-[\d.]+)?[\\/]src[\\/](?![\w-]+\.[\w.-]+[\\/])|^node:",
    re.IGNORECASE,
)
_INSTALLED = re.compile(
    r"[\\/](site|dist)-packages[\\/]|[\\/]pkg[\\/]mod[\\/]|[\\/]vendor[\\/]|[\\/]node_modules[\\/]", re.IGNORECASE
)
# The script that starts an installed program: `sys.exit(main())`, the same in every one of its problems.
_STARTER = re.compile(r"[\\/](bin|Scripts)[\\/][^\\/]+$", re.IGNORECASE)
_GO_RUNTIME = re.compile(r"(runtime\.|panic$)")
_ADDRESS = re.compile(r"0x[0-9a-fA-F]+")


class Frame(NamedTuple):
    """One call on a stack."""

    file: str
    function: str


def own_frames(stack: Sequence[Frame]) -> tuple[Frame, ...]:
    """Of a stack, innermost frame first, what makes a problem: at most MOST_FRAMES, with files as short as they tell.

    Those of the application's own code; where there are none, those of installed packages; where there are none of
    these either, all. In "own code" there is no interpreter, no standard library and no script that only starts it.
    """
    frames = _without_cycles([Frame(file.replace("\\", "/"), function) for file, function in stack[:_MOST_LOOKED_AT]])
    outside = [frame for frame in frames if not _is_interpreter(frame)]
    own = [frame for frame in outside if not _INSTALLED.search(frame.file) and not _is_starter(frame)]
    installed = [frame for frame in outside if not _is_starter(frame)]
    return _shortened(_without_cycles(own or installed or outside or frames)[:MOST_FRAMES])


def _is_interpreter(frame: Frame) -> bool:
    in_go = frame.file.endswith(".go") and _GO_RUNTIME.match(frame.function) is not None
    return in_go or _INTERPRETER.search(frame.file) is not None


def _is_starter(frame: Frame) -> bool:
    return frame.function == "<module>" and _STARTER.search(frame.file) is not None


def _without_cycles(frames: Sequence[Frame]) -> list[Frame]:
    """A recursion once, however deep it was when it broke off."""
    kept: list[Frame] = []
    for frame in frames:
        kept.append(frame)
        for length in range(1, min(_LONGEST_CYCLE, len(kept) // 2) + 1):
            if kept[-length:] == kept[-2 * length : -length]:
                del kept[-length:]
                break
    return kept


def _shortened(frames: list[Frame]) -> tuple[Frame, ...]:
    """Files relative to the folder that all share, of which the last two parts count."""
    parts = [frame.file.removesuffix("c" if frame.file.endswith(".pyc") else "").split("/") for frame in frames]
    shared = 0
    if parts:
        for level in zip(*(one[:-1] for one in parts), strict=False):
            if len(set(level)) > 1:
                break
            shared += 1
    return tuple(
        Frame("/".join(path[shared:][-2:])[:_LONGEST_TEXT], _ADDRESS.sub("0x", frame.function)[:_LONGEST_TEXT])
        for path, frame in zip(parts, frames, strict=True)
    )
