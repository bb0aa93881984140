"""What is known of a session's end, for reading: the verdict as a sentence, stacks and tracebacks as frames.

All of it comes from applications: whatever has not the expected shape (docs/design/records.md) is left out.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from msgspec import UNSET

from datacat_server import wording
from datacat_server.model import Event, Session, Status, Verdict

MAX_THREADS = 64
MAX_FRAMES = 100

_FRAME = re.compile(r'^\s*File "(?P<file>.*)", line (?P<line>\d+)(?:, in (?P<function>.*))?$')
_PLACE = re.compile(r"\.py:\d+\)")
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
        return _LIBRARY.search(self.file) is not None


@dataclass(frozen=True)
class Thread:
    """The stack of one thread, innermost frame first."""

    label: str
    current: bool
    frames: list[Frame]


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


@dataclass(frozen=True)
class Sentence:
    """What became of a session; `frame` is where in its code, unless the words say so already."""

    words: str
    frame: Frame | None


def sentence(session: Session, stacks: list[Stacks], cause: Traceback | None, now: datetime) -> Sentence:
    """What became of the session, or how it is, in one sentence; `cause` is the exception that ended it."""
    lived = wording.duration(lifetime(session, now))
    match session.status:
        case Status.CRASHED | Status.HUNG:
            decided = deciding(session)
            words = wording.sentence_case(session.reason or (decided.reason if decided else session.status.value))
            if session.status is Status.CRASHED and session.hung:
                words += ", while it hung"
            shown = stacks[:1] if session.hung or (stacks and stacks[0].verdict is decided) else []
            frame = _place(cause.frames if cause else shown[0].threads[0].frames if shown else [])
            said = frame is not None and (frame.function in words or _PLACE.search(words) is not None)
            return Sentence(words, None if said else frame)
        case Status.ENDED:
            reason = session.reason.rstrip(". ") if session.reason else ""
            code = session.verdicts[-1].data.get("exit_code") if session.verdicts else None
            if reason and type(code) is int and "exit code" not in reason:
                reason += f", with exit code {code}"
            return Sentence(f"Ended after {lived}: {reason}" if reason else f"Ended after {lived}", None)
        case Status.SUSPENDED:
            reason = session.reason or "nothing was heard from it for a while; it may come back"
            return Sentence(f"Suspended: {reason.rstrip('. ')}", None)
        case _:
            return Sentence(f"Running for {lived}", None)


def told(frames: list[Frame]) -> int:
    """The place of the frame that a sentence tells of: the innermost of the application's own code, else the first."""
    return next((place for place, frame in enumerate(frames) if not frame.library), 0)


def _place(frames: list[Frame]) -> Frame | None:
    return frames[told(frames)] if frames else None


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
    found = [
        Thread(_label(stack, place), bool(stack.get("current")), frames)
        for place, stack in enumerate(_objects(verdict.data.get("stacks"))[:MAX_THREADS])
        if (frames := _frames(stack.get("frames")))
    ]
    return sorted(found, key=lambda thread: not thread.current)


def _label(stack: dict[str, Any], place: int) -> str:
    name, thread = stack.get("name"), stack.get("thread")
    if isinstance(name, str) and name:
        return name
    return "thread " + (_ZEROS.sub("0x", str(thread)) if isinstance(thread, str | int) else str(place + 1))


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
