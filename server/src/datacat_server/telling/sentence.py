"""What became of a session, or how it is, in one sentence; and what else was told right before, in a few words each."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from datacat_server import wording
from datacat_server.model import Session, Status, Verdict
from datacat_server.store.views import Series
from datacat_server.telling.event_rows import EventRow
from datacat_server.telling.evidence import Frame, Stacks, Traceback, deciding, lifetime, told
from datacat_server.telling.moment import Moment
from datacat_server.telling.state_tree import Change, changes

_PLACE = re.compile(r"\.py:\d+\)")
_MEMORY = "process_resident_memory_bytes"
_GROWN = 1.5
_GROWN_BYTES = 50_000_000
_MOST_CHANGES = 3


@dataclass(frozen=True)
class Sentence:
    """What became of a session.

    `since`: the instant from which on it is what the words say, for one that still is. `frame` is where in its code,
    unless the words say so already. `after`: the last event before, and how many seconds. `tail` goes on behind it.
    `latest`: of one that runs, the last event.
    """

    words: str
    frame: Frame | None = None
    since: datetime | None = None
    after: tuple[float, EventRow] | None = None
    tail: str = ""
    latest: EventRow | None = None

    def text(self, now: datetime) -> str:
        """The sentence without links, for where there are none."""
        lasts = f" {wording.duration((now - self.since).total_seconds())}" if self.since else ""
        where = f" in {self.frame.function} ({self.frame.place})" if self.frame else ""
        after = f", {wording.duration(self.after[0])} after {self.after[1].event.name}" if self.after else ""
        latest = ""
        if self.latest:
            latest = f"; last event {self.latest.event.name} {wording.ago(self.latest.event.timestamp, now)}"
        return f"{self.words}{lasts}{where}{after}{self.tail}{latest}."


def sentence(
    session: Session, stacks: list[Stacks], exception: Traceback | None, last: EventRow | None, now: datetime
) -> Sentence:
    """The sentence at the head of a page.

    Args:
        stacks: of the last crash and the last hang, that of the session's status first.
        exception: the last one that was logged.
        last: the last event before the session crashed or hung; of one that runs, the last of all.
    """
    lived = wording.duration(lifetime(session, now))
    match session.status:
        case Status.CRASHED | Status.HUNG:
            return _trouble(session, stacks, exception, last)
        case Status.ENDED:
            reason = session.reason.rstrip(". ") if session.reason else ""
            code = session.verdicts[-1].data.get("exit_code") if session.verdicts else None
            if reason and type(code) is int and "exit code" not in reason:
                reason += f", with exit code {code}"
            words = f"Ended after {lived}: {reason}" if reason else f"Ended after {lived}"
            return Sentence(words, tail=_on_the_way(session, exception))
        case Status.SUSPENDED:
            reason = session.reason or "nothing was heard from it for a while; it may come back"
            return Sentence(f"Suspended: {reason.rstrip('. ')}")
        case _:
            return Sentence("Running for", since=session.created_at, tail=_so_far(session, exception, now), latest=last)


def _trouble(session: Session, stacks: list[Stacks], exception: Traceback | None, last: EventRow | None) -> Sentence:
    decided = deciding(session)
    reason = session.reason or (decided.reason if decided else session.status.value)
    cause = cause_of(decided, exception)
    words = wording.sentence_case(reason)
    if session.status is Status.CRASHED and session.hung:
        words += ", while it hung"
    shown = stacks[:1] if session.hung or (stacks and stacks[0].verdict is decided) else []
    frame = _place(cause.frames if cause else shown[0].threads[0].frames if shown else [])
    said = frame is not None and (frame.function in words or _PLACE.search(words) is not None)
    after = None
    if last is not None and decided is not None:
        after = (max(0.0, (came(decided, cause) - last.event.timestamp).total_seconds()), last)
    if decided is not None and session.status is Status.HUNG and session.ended_at is None:
        since = max(session.created_at, decided.timestamp - timedelta(seconds=silent_seconds(decided)))
        return Sentence("Hung for", frame, since, after, f": {decided.reason.rstrip('. ')}")
    return Sentence(words, None if said else frame, after=after)


def cause_of(decided: Verdict | None, exception: Traceback | None) -> Traceback | None:
    """The exception that a verdict tells of, of which `exception` is the last that was logged."""
    return exception if decided is not None and decided.data.get("kind") == "exception" else None


def came(decided: Verdict, cause: Traceback | None) -> datetime:
    """When a crash or a hang came: its exception is older than the end of the process, which may take its time."""
    return decided.timestamp if cause is None else min(cause.timestamp, decided.timestamp)


def _place(frames: list[Frame]) -> Frame | None:
    return frames[told(frames)] if frames else None


def _on_the_way(session: Session, exception: Traceback | None) -> str:
    """What was not well in a session that ended cleanly."""
    parts = []
    if session.exception_count and exception:
        which = "one exception was" if session.exception_count == 1 else f"{session.exception_count:,} exceptions were"
        of = "" if session.exception_count == 1 else "the last "
        parts.append(f"{which} logged on the way, {of}{wording.shorten(exception.title, 120)}")
    if session.ever_hung:
        parts.append("it hung on the way, and recovered" if not session.hung else "it hung when it ended")
    return "".join(f"; {part}" for part in parts)


def _so_far(session: Session, exception: Traceback | None, now: datetime) -> str:
    if not session.exception_count or exception is None:
        return ", with no exception so far"
    ago = wording.ago(exception.timestamp, now)
    if session.exception_count == 1:
        return f", with one exception so far, {ago}: {wording.shorten(exception.title, 120)}"
    return (
        f", with {session.exception_count:,} exceptions so far, the last {ago}: {wording.shorten(exception.title, 120)}"
    )


def silent_seconds(hung: Verdict) -> float:
    """For how long a session had been silent when it was found to hang."""
    told = hung.data.get("silent_seconds")
    return float(told) if isinstance(told, int | float) and 0 <= told < 1e9 else 0.0


@dataclass(frozen=True)
class Clues:
    """What changed last before the end: paths of the state, how many more of them, and seconds before it; memory."""

    changed: list[Change]
    more: int
    ago: float | None
    memory: str


def clues(
    session: Session, cause: Traceback | None, final: Moment, start: datetime, series: Sequence[Series]
) -> Clues | None:
    """What may have to do with a crash or a hang; None for a session that had neither, or where nothing is known."""
    decided = deciding(session)
    if decided is None:
        return None
    found = changes(final.tree) if final.tree and final.changed_at is not None else []
    ago = None if final.changed_at is None else (came(decided, cause) - start).total_seconds() - final.changed_at
    memory = next((_grown(one) for one in series if one.vital and one.name == _MEMORY), "")
    if not found and not memory:
        return None
    return Clues(found[:_MOST_CHANGES], max(0, len(found) - _MOST_CHANGES), ago, memory)


def _grown(memory: Series) -> str:
    """How much the memory had grown at the end, and in which time; nothing where it had not, or not much."""
    if len(memory.values) < 3:
        return ""
    last = memory.values[-1]
    least = min(memory.values)
    if last < least * _GROWN or last - least < _GROWN_BYTES:
        return ""
    # From where it was low for the last time.
    begin = max(place for place, value in enumerate(memory.values) if value <= least + (last - least) / 20)
    span = wording.duration(memory.times[-1] - memory.times[begin])
    return f"Memory had grown from {wording.size(memory.values[begin])} to {wording.size(last)} in the last {span}"
