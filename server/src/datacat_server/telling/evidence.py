"""What is known of a session's end, for reading: stacks and tracebacks as frames.

All of it comes from applications: whatever has not the expected shape (docs/design/records.md) is left out.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from msgspec import UNSET

from datacat_server import wording
from datacat_server.model import Event, Session, Status, Verdict
from datacat_server.problems.client import CLIENT

MAX_THREADS = 64
MAX_FRAMES = 100

_FRAME = re.compile(r'^\s*File "(?P<file>.*)", line (?P<line>\d+)(?:, in (?P<function>.*))?$')
_BEGINS_MAIN = ("<module>", "_run_module_as_main")
_ZEROS = re.compile(r"^0x0+(?=.)")
_LIBRARY = re.compile(
    r"(^<frozen )|([\\/](site|dist)-packages[\\/])|([\\/]lib(64)?[\\/]python[\d.]+[\\/])", re.IGNORECASE
)


@dataclass(frozen=True)
class Frame:
    """One call on a stack; `source` is the line of code, where it is known."""

    function: str
    file: str
    line: int | None
    source: str | None = None

    @property
    def place(self) -> str:
        """The file's last two parts and the line: `engine/gpu.py:88`."""
        short = "/".join(re.split(r"[\\/]", self.file)[-2:])
        return f"{short}:{self.line}" if self.line is not None else short

    @property
    def library(self) -> bool:
        """Whether the frame is one of the interpreter's or of an installed package."""
        return _LIBRARY.search(self.file) is not None or CLIENT.search(self.file) is not None


@dataclass(frozen=True)
class Thread:
    """The stack of one thread, innermost frame first; `identity`: its address or state, as the runtime tells it."""

    label: str
    current: bool
    frames: list[Frame]
    identity: str = ""


@dataclass(frozen=True)
class Traceback:
    """One exception: its title, its frames innermost first, and the traceback as it was logged."""

    title: str
    frames: list[Frame]
    text: str
    number: int | None
    timestamp: datetime


@dataclass(frozen=True)
class Stacks:
    """What all threads did at the moment of a verdict, the current thread first."""

    verdict: Verdict
    threads: list[Thread]


def told(frames: list[Frame]) -> int:
    """The place of the frame that a sentence tells of: the innermost of the application's own code, else the first."""
    return next((place for place, frame in enumerate(frames) if not frame.library), 0)


@dataclass(frozen=True)
class Part:
    """Frames of a stack that stand together; `folded`: they are not the application's own, and shown when asked for."""

    frames: list[Frame]
    folded: bool


def folded(frames: Sequence[Frame]) -> list[Part]:
    """A stack in parts: what runs through the interpreter and installed packages is folded beside one's own frames."""
    if all(frame.library for frame in frames):
        return [Part(list(frames), folded=False)] if frames else []
    found = []
    for library, run in groupby(frames, key=lambda frame: frame.library):
        held = list(run)
        found.append(Part(held, folded=library and len(held) > 1))
    return found


def lifetime(session: Session, now: datetime) -> float:
    """Seconds from the start of a session to its end, or to now while it has none."""
    return max(0.0, ((session.ended_at or now) - session.created_at).total_seconds())


def deciding(session: Session) -> Verdict | None:
    """The last verdict that says what the session's status says: its crash, or its hang."""
    return next((verdict for verdict in reversed(session.verdicts) if verdict.status == session.status), None)


def stacks(session: Session) -> list[Stacks]:
    """The stacks of the last crash and of the last hang, that of the session's status first."""
    found = []
    for status in (Status.CRASHED, Status.HUNG):
        verdicts = [verdict for verdict in session.verdicts if verdict.status == status]
        if verdicts and (held := threads(verdicts[-1])):
            found.append(Stacks(verdicts[-1], held))
    return sorted(found, key=lambda one: one.verdict.status != session.status)


def threads(verdict: Verdict) -> list[Thread]:
    """The stacks a verdict carries, the current thread first."""
    held = [
        (stack, frames)
        for stack in _objects(verdict.data.get("stacks"))[:MAX_THREADS]
        if (frames := _frames(stack.get("frames")))
    ]
    held.sort(key=lambda one: not one[0].get("current"))
    return [
        Thread(_label(stack, frames, place), bool(stack.get("current")), frames, _identity(stack.get("thread")))
        for place, (stack, frames) in enumerate(held, 1)
    ]


def _label(stack: dict[str, Any], frames: list[Frame], place: int) -> str:
    """Its name; without one (faulthandler tells none before Python 3.14) what it began with tells the main thread."""
    name = stack.get("name")
    if isinstance(name, str) and name:
        return name
    return "Main thread" if frames[-1].function in _BEGINS_MAIN else f"Thread {place}"


def _identity(thread: object) -> str:
    return _ZEROS.sub("0x", str(thread)) if isinstance(thread, str | int) else ""


def _frames(values: object) -> list[Frame]:
    return [
        Frame(str(value.get("function") or "?"), str(value.get("file") or "?"), line if type(line) is int else None)
        for value in _objects(values)[:MAX_FRAMES]
        for line in [value.get("line")]
    ]


def _objects(values: object) -> list[dict[str, Any]]:
    return [value for value in values if isinstance(value, dict)] if isinstance(values, list) else []


def traceback(event: Event, number: int | None = None) -> Traceback:
    """An exception event as a traceback; frames are those of the exception itself, not of the ones it came from."""
    lines = event.stacktrace if event.stacktrace is not UNSET else []
    text = "\n".join(line.rstrip("\n") for line in lines)
    kind = event.exception_type if event.exception_type is not UNSET else event.name
    message = event.exception_msg if event.exception_msg is not UNSET else (event.message or "")
    frames = _parse(text.splitlines())
    if not frames and isinstance(event.source_file, str):
        line = event.source_line if isinstance(event.source_line, int) else None
        frames = [Frame(str(event.source_function or "?"), event.source_file, line)]
    return Traceback(f"{kind}: {message}" if message else str(kind), frames, text, number, event.timestamp)


def _parse(lines: Iterable[str]) -> list[Frame]:
    frames: list[Frame] = []
    for line in lines:
        if line.startswith("Traceback "):
            frames = []
        elif found := _FRAME.match(line):
            frames.append(Frame(found["function"] or "?", found["file"], int(found["line"])))
        elif frames and frames[-1].source is None and line.startswith("    ") and line.strip(" ^~"):
            last = frames[-1]
            frames[-1] = Frame(last.function, last.file, last.line, wording.shorten(line.strip(), 200))
    return frames[::-1][:MAX_FRAMES]
