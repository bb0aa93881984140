"""One session as a report: the verdict first, in a sentence, then what there is to show for it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rich.text import Text

from datacat_server import wording
from datacat_server.model import Session
from datacat_server.store.problems import SessionProblem
from datacat_server.store.views import StateView, StoredEvent
from datacat_server.telling import evidence
from datacat_server.telling.event_rows import EventRow
from datacat_server.telling.sentence import sentence
from datacat_server.terminal.event_line import event_line
from datacat_server.terminal.stack_lines import frame_lines, thread_lines
from datacat_server.terminal.state_lines import state_lines
from datacat_server.terminal.style import cut, said, status_text

TURNS_SHOWN = 8
_LONGEST_SENTENCE = 600
_LABEL = 10


@dataclass(frozen=True)
class Told:
    """What is known of a session.

    Args:
        session: without its records.
        events: the last ones, the newest last, up to the instant `at` where that is asked for.
        exception: the last exception, if it had any.
        problem: the problem that it had last, of those of its status.
        at: the instant at which the state is shown; None for now.
        state: the state then.
        before: the state ahead of the change that made it so, where that is to be marked.
        last: the last event before it crashed or hung; of one that runs, the last of all.
        now: when it was asked.
    """

    session: Session
    events: list[StoredEvent]
    exception: evidence.Traceback | None
    problem: SessionProblem | None
    at: datetime | None
    state: StateView
    before: dict[str, Any] | None
    last: EventRow | None
    now: datetime

    @property
    def caused(self) -> bool:
        """Whether the exception is what ended it."""
        verdict = evidence.deciding(self.session)
        return self.exception is not None and verdict is not None and verdict.data.get("kind") == "exception"

    @property
    def sentence(self) -> str:
        """What became of it, in one sentence."""
        told = sentence(self.session, evidence.stacks(self.session), self.exception, self.last, self.now)
        return wording.shorten(told.text(self.now), _LONGEST_SENTENCE)


def report_lines(told: Told, width: int | None, *, full: bool) -> Iterator[Text]:
    """The report, cut to a width but for the sentence; `full`: with all frames of all threads, and nothing cut."""
    session, limit = told.session, None if full else width
    yield cut(_title(session), limit)
    yield Text("")
    yield said(told.sentence, "bold")
    yield Text("")
    for label, text in _facts(told):
        yield cut(Text.assemble((label.ljust(_LABEL), "dim"), text), limit)
    yield from _turns(session, limit)
    yield from _evidence(told, limit, full=full)
    yield from _events(told, limit)
    yield from _state(told, limit)


def _title(session: Session) -> Text:
    title = Text.assemble(
        status_text(session.status), "  ", said(session.product, "bold"), " ", said(session.version), "  "
    )
    if session.hostname:
        title.append_text(said(f"on {session.hostname}")).append("  ")
    return title.append_text(said(session.id, "cyan"))


def _facts(told: Told) -> Iterator[tuple[str, Text]]:
    session = told.session
    yield "started", Text(f"{wording.exact(session.created_at)}, {wording.ago(session.created_at, told.now)}")
    if session.ended_at is not None:
        yield "ended", Text(f"{wording.exact(session.ended_at)}, {wording.ago(session.ended_at, told.now)}")
    yield "lasted", Text(wording.duration(evidence.lifetime(session, told.now)))
    if process := _process(session):
        yield "process", said(process)
    counts = [(session.event_count, "event"), (session.exception_count, "exception"), (session.metric_count, "metric")]
    yield "records", Text(", ".join(wording.count(amount, noun) for amount, noun in counts if amount) or "none")
    losses = [(session.dropped_count, "dropped"), (session.refused_count, "refused"), (session.lost_count, "lost")]
    if any(amount for amount, _ in losses):
        words = ", ".join(f"{wording.number(amount)} {word}" for amount, word in losses if amount)
        yield "missing", Text(words, "yellow")
    if told.problem is not None:
        about = told.problem.problem
        elsewhere = f"in {wording.count(about.sessions, 'session')} since {about.new_in}"
        where = elsewhere if about.sessions > 1 else "here only"
        yield "problem", Text.assemble(said(about.title), said(f", seen {where}", "dim"))


def _process(session: Session) -> str:
    """The pid, the interpreter and the program, as far as they are known."""
    facts = session.facts
    argv = facts.get("argv")
    words = [str(word) for word in argv[:8]] if isinstance(argv, list) else []
    program = " ".join([re.split(r"[\\/]", words[0])[-1], *words[1:]]) if words else ""
    runtime = " ".join(str(facts[key]) for key in ("implementation", "python") if isinstance(facts.get(key), str))
    known = [str(session.pid) if session.pid else "", wording.shorten(program, 200), runtime]
    return ", ".join(word for word in known if word)


def _turns(session: Session, width: int | None) -> Iterator[Text]:
    """What became of it in turn, where that is more than its end."""
    if len(session.verdicts) < 2:
        return
    yield from _heading("What became of it")
    for verdict in session.verdicts[-TURNS_SHOWN:]:
        alike = {"recovered": "active", "resumed": "active"}.get(verdict.status, verdict.status)
        style = status_text(alike).style
        at = _elapsed(session, verdict.timestamp)
        line = Text.assemble("  ", (at.rjust(10), "dim"), "  ", said(verdict.status.ljust(9), str(style)), "  ")
        yield cut(line.append_text(said(verdict.reason)), width)


def _evidence(told: Told, width: int | None, *, full: bool) -> Iterator[Text]:
    exception = told.exception
    if exception is not None and told.caused:
        yield from _exception("The exception that ended it", exception, width, full=full)
    for stacks in evidence.stacks(told.session):
        at = _elapsed(told.session, stacks.verdict.timestamp)
        yield from _heading(f"What it did when it {stacks.verdict.status}, at {at}")
        yield from thread_lines(stacks, width, full=full)
    if exception is not None and not told.caused:
        at = _elapsed(told.session, exception.timestamp)
        yield from _exception(f"The last exception, at {at}", exception, width, full=full)


def _exception(title: str, exception: evidence.Traceback, width: int | None, *, full: bool) -> Iterator[Text]:
    yield from _heading(title)
    yield cut(Text("  ").append_text(said(exception.title, "red")), width)
    if full and exception.text:
        yield from (Text("  ").append_text(said(line, "dim")) for line in exception.text.splitlines())
    else:
        yield from frame_lines(exception.frames, width, full=full)


def _events(told: Told, width: int | None) -> Iterator[Text]:
    if not told.events:
        return
    yield from _heading("The last events" if told.at is None else "The events before")
    places = [_elapsed(told.session, one.event.timestamp) for one in told.events]
    longest = max(map(len, places))
    for place, stored in zip(places, told.events, strict=True):
        yield event_line(stored, f"  {place.rjust(longest)}", width)


def _state(told: Told, width: int | None) -> Iterator[Text]:
    title = "The state" if told.session.ended_at is None else "The state in the end"
    if told.at is not None:
        title = f"The state at {_elapsed(told.session, told.at)}, {wording.exact(told.at)}"
    yield from _heading(title)
    if told.state.timestamp is None:
        yield Text("  none yet", "dim")
        return
    yield from state_lines(told.state.state, told.before, width)
    if told.before is not None:
        since = _elapsed(told.session, told.state.timestamp)
        yield Text(f"  so since {since}, with what changed then marked", "dim")


def _heading(title: str) -> Iterator[Text]:
    yield Text("")
    yield Text(title, "bold")


def _elapsed(session: Session, instant: datetime) -> str:
    return wording.elapsed((instant - session.created_at).total_seconds())
