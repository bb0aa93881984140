"""What a crash, a hang or an exception is the same as: the cause that groups them, and what people call it.

A cause is a type (of the exception; the signal; an exit code; what became of the machine) and the frames of the
application's own code. Messages are no part of it: they hold what differs from one time to the next. All of it comes
from applications: whatever has not the expected shape (docs/design/records.md) is left out.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import Any

from datacat_server.problems.frames import Frame, own_frames
from datacat_server.problems.raised import Raised
from datacat_server.problems.tracebacks import read_stack

CRASH, HANG, EXCEPTION = "crash", "hang", "exception"
KINDS = (CRASH, HANG, EXCEPTION)

_LONGEST_TYPE = 200
_MOST_PARTS = 20

_WITHOUT_EXCEPTION = {
    "out_of_memory": "out of memory",
    "reboot": "the machine was restarted",
    "missing": "its machine came back without it",
    "container": "its container ended",
    "unknown": "nobody saw how it ended",
}
_ERROR = re.compile(
    r"\b(error|fatal|panic|panicked|exception|failed|failure|abort(ed)?|cannot|could not)\b", re.IGNORECASE
)
_CHANGING = re.compile(
    r"0x[0-9a-fA-F]+|\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b|(?:[A-Za-z]:)?(?:[\\/][\w.~+@-]+){2,}"
    r"|\b[0-9a-f]{12,}\b|\d+(?:\.\d+)*"
)
# Of Python from 3.5, Java, C# and Firefox; and what Python 2.7 and V8 say instead.
_ENDLESS = re.compile(r"(^|\.)(RecursionError|StackOverflowError|StackOverflowException)$|^InternalError$")
_TOO_DEEP = re.compile(r"maximum recursion depth exceeded|Maximum call stack size exceeded")


@dataclass(frozen=True)
class Cause:
    """What went wrong, and where: frames innermost first; `parts`: the same of each part of an exception group."""

    type: str
    frames: tuple[Frame, ...] = ()
    parts: tuple[tuple[str, tuple[Frame, ...]], ...] = ()

    @cached_property
    def key(self) -> str:
        """The same for the same cause, for good."""
        return _digest(self.type, self.frames, self.parts)

    @property
    def culprit(self) -> str:
        """Where: the function and file of the innermost frame; empty where no frame is known."""
        return f"{self.frames[0].function} ({self.frames[0].file})" if self.frames else ""


def problem_id(product: str, kind: str, cause_key: str) -> str:
    """The id of a problem: the same on any server, and after any export and import."""
    return _digest(product, kind, cause_key)


def title(kind: str, type_: str, culprit: str) -> str:
    """What a problem is called in a list."""
    what = f"hang: {type_}" if kind == HANG and type_ != HANG else type_
    function = culprit.rpartition(" (")[0]
    words = f"{what} in {function}" if function else what
    of_ours = what == HANG or (kind != EXCEPTION and " " in what)
    return words[:1].upper() + words[1:] if of_ours else words


def of_exception(
    type_: str,
    stacktrace: Sequence[str] | None,
    source_file: str | None,
    source_function: str | None,
    roots: Sequence[str] = (),
) -> Cause:
    """The cause of an exception that was logged. `roots`: where the application lies (frames.roots_of)."""
    raised = read_stack(stacktrace or ())
    if raised is None or not raised.stack:
        stack = [Frame(source_file, source_function or "?")] if source_file else []
        raised = Raised(stack=stack, parts=raised.parts if raised else [])
    return _cause(type_, raised, roots)


def of_hang(data: dict[str, Any], roots: Sequence[str] = ()) -> Cause:
    """The cause of a hang, by the data of its verdict: what its thread was doing, or who had stopped it."""
    stopped_by = data.get("stopped_by")
    if "stopped_by" in data:
        return Cause(f"stopped by {stopped_by}" if isinstance(stopped_by, str) else "stopped by a signal")
    return Cause(HANG, _frames_of(data.get("stacks"), roots))


def of_crash(
    data: dict[str, Any], reason: str | None, output: list[str] | None = None, roots: Sequence[str] = ()
) -> Cause:
    """The cause of a crash, by the data of its verdict and the last lines of output, where they were captured.

    A crash by an exception that was logged has that one's cause instead.
    """
    kind = data.get("kind")
    frames = _frames_of(data.get("stacks"), roots)
    match kind:
        case "exception":
            return Cause(_text(data.get("exception_type")) or "an exception", frames)
        case "signal":
            return Cause(_text(data.get("signal")) or "a signal", frames)
        case "exit":
            return _of_exit(data.get("exit_code"), output or [], roots)
        case str() if kind in _WITHOUT_EXCEPTION:
            return Cause(_WITHOUT_EXCEPTION[kind])
        case _:
            return Cause(steady(reason or "") or "a crash", frames)


def _of_exit(code: object, output: list[str], roots: Sequence[str]) -> Cause:
    raised = read_stack(output)
    if raised is not None and raised.type:
        in_go = raised.type in ("panic", "fatal error")
        return _cause(f"{raised.type}: {steady(raised.message)}" if in_go else raised.type, raised, roots)
    said = next((steady(line.strip()) for line in reversed(output) if _ERROR.search(line)), "")
    exited = f"exit code {code}" if type(code) is int else "exit"
    return Cause(_cut(f"{exited}: {said}" if said else exited))


def steady(text: str) -> str:
    """A line without what changes from one time to the next: numbers, addresses, ids, folders."""
    return _cut(_CHANGING.sub("…", text.partition("\n")[0]))


def _cause(type_: str, raised: Raised, roots: Sequence[str]) -> Cause:
    endless = _ENDLESS.search(type_) is not None or _TOO_DEEP.match(raised.message) is not None
    parts = {(_cut(part.type), own_frames(part.stack, roots)) for part in raised.parts[:_MOST_PARTS]}
    return Cause(_cut(type_), own_frames(raised.stack, roots, endless), tuple(sorted(parts)))


def innermost_first(stacks: object) -> list[dict[str, Any]]:
    """Of the stacks of a verdict the frames of the current thread; where none is, of the main one, written last."""
    threads = [one for one in stacks if isinstance(one, dict)] if isinstance(stacks, list) else []
    frames = next((one for one in threads if one.get("current")), threads[-1] if threads else {}).get("frames")
    return [frame for frame in frames if isinstance(frame, dict)] if isinstance(frames, list) else []


def _frames_of(stacks: object, roots: Sequence[str]) -> tuple[Frame, ...]:
    return own_frames(
        [
            Frame(_text(frame.get("file")) or "?", _text(frame.get("function")) or "?")
            for frame in innermost_first(stacks)
        ],
        roots,
    )


def _text(value: object) -> str:
    return _cut(value) if isinstance(value, str) else ""


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_TYPE else text[: _LONGEST_TYPE - 1] + "…"


def _digest(*content: object) -> str:
    return sha256(json.dumps(content, separators=(",", ":")).encode()).hexdigest()[:16]
