"""The seven instances of the demo, and how to tell that DataCat has understood what became of each."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from datacat_server.model import Session, Status, Verdict


@dataclass(frozen=True)
class Instance:
    """One game of the swarm: its fate, in words and as the game's option, and what must be shown of it."""

    number: int
    fate: str
    does: str
    expected: str
    seconds: float
    understood: Callable[[Session], bool]


def _ended(session: Session) -> bool:
    return session.status is Status.ENDED and not session.crashed and not session.ever_hung


def _exception(session: Session) -> bool:
    """Crashed, and the exception is there with the line that raised it."""
    tracebacks = [event.stacktrace for event in session.events or () if event.exception_type == "KeyError"]
    return session.status is Status.CRASHED and any("equip" in str(traceback) for traceback in tracebacks)


def _segmentation_fault(session: Session) -> bool:
    """Crashed, with the signal's name and a Python frame of the function that did it."""
    crash = _verdict(session, "crashed")
    return crash is not None and "SIGSEGV" in crash.reason and "upload_texture" in _functions(crash)


def _killed(session: Session) -> bool:
    crash = _verdict(session, "crashed")
    return crash is not None and "SIGKILL" in crash.reason


def _recovered(session: Session) -> bool:
    words = [verdict.status for verdict in session.verdicts if verdict.status in ("hung", "recovered")]
    return session.status is Status.ENDED and words == ["hung", "recovered"]


def _hung(session: Session) -> bool:
    """Hung, with the stacks of the thread that stands still and of the one beside it."""
    hang = _verdict(session, "hung")
    functions = set(_functions(hang)) if hang else set()
    return session.status is Status.HUNG and functions >= {"save_game", "mix_audio"}


def _verdict(session: Session, status: str) -> Verdict | None:
    return next((verdict for verdict in reversed(session.verdicts) if verdict.status == status), None)


def _functions(verdict: Verdict) -> Iterator[str]:
    """Names of the functions in all stacks of a verdict."""
    for stack in verdict.data.get("stacks") or ():
        for frame in stack["frames"]:
            yield frame["function"]


CAST = (
    Instance(1, "play", "plays and ends", "ended", 6, _ended),
    Instance(2, "exception", "raises an exception nobody catches", "crashed", 4, _exception),
    Instance(3, "segfault", "reads address 0", "crashed", 4, _segmentation_fault),
    Instance(4, "killed", "is killed by SIGKILL while logging", "crashed", 5, _killed),
    Instance(5, "stutter", "stops its heartbeat, then goes on", "hung, then recovered", 3, _recovered),
    Instance(6, "deadlock", "locks the interpreter for good", "hung", 3, _hung),
    Instance(7, "walk-away", "ends without calling end()", "ended", 5, _ended),
)


def says(session: Session) -> str:
    """What DataCat says of a session, in the words of `expected`."""
    recovered = any(verdict.status == "recovered" for verdict in session.verdicts)
    return "hung, then recovered" if recovered and not session.crashed else str(session.status)
