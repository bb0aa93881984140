"""What `datacat tail` does: asks for what has arrived since it asked last, and prints it."""

import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from rich.text import Text

from datacat_server.cli.addressing import ServerError
from datacat_server.cli.answers import Arrivals, EventPage, NumberedEvent
from datacat_server.cli.asking import Reader, is_passing, session_path
from datacat_server.cli.coming_and_going import ComingAndGoing, Turn
from datacat_server.cli.finding import Parameters
from datacat_server.cli.one_session import told_of
from datacat_server.model import Session, encode
from datacat_server.telling import evidence
from datacat_server.terminal.event_line import event_line, turn_line, whose_text
from datacat_server.terminal.style import cut, output, said, show, status_text, width_of
from datacat_server.wording import duration, exact, rfc3339

_SECONDS_BETWEEN = 0.5
_LONGEST_PAUSE = 5.0
_AT_ONCE = 1000

Answered = TypeVar("Answered")


@dataclass(frozen=True)
class Wanted:
    """Which events: of a session or of all, since when or so many of the last first, and filters of the API."""

    session_id: str | None
    since: str | None
    last: int
    filters: Mapping[str, str | None]

    @property
    def parameters(self) -> Parameters:
        """The filters that are set, as they stand in an address."""
        return [(name, value) for name, value in self.filters.items() if value]


class Following:
    """Events as lines, in the order of their arrival; those that are there already by their times.

    Args:
        reader: the server.
        wanted: which events.
        full: cut nothing, and print tracebacks.
        as_json: a JSON object a line.
    """

    def __init__(self, reader: Reader, wanted: Wanted, *, full: bool, as_json: bool) -> None:
        self._reader = reader
        self._wanted = wanted
        self._full = full
        self._as_json = as_json
        self._console = output()
        self._errors = output(errors=True)
        self._day = ""

    @property
    def _width(self) -> int | None:
        """Of now: a terminal may become wider meanwhile."""
        return None if self._full else width_of(self._console)

    def run(self, *, follow: bool) -> None:
        """Print what there is, and then what comes, until it is interrupted or the session has ended.

        Raises ServerError: where the server is not there from the start, or will not answer this.
        """
        told = self._told_beside()
        self._turns(told)  # those that are there; before the first events, which may be of a session that starts now
        # The place is taken first: what comes in between is in both, and printed once.
        place = self._reader.get("/api/events", Arrivals, [("limit", "1")]).next
        self._print(event for event in self._first() if event.number <= place)
        while follow:
            is_over = self._ended()
            # Asked before the events, so that those of a session that has ended are there.
            turns = self._turns(told)
            self._print_turns(turn for turn in turns if turn.is_start)
            place = self._print_after(place)
            self._print_turns(turn for turn in turns if not turn.is_start)
            if is_over is not None:
                self._tell_the_end(is_over)
                return
            time.sleep(_SECONDS_BETWEEN)

    def _first(self) -> list[NumberedEvent]:
        """Those that are there already."""
        wanted = self._wanted
        asked = [*wanted.parameters, ("from", wanted.since)] if wanted.since else wanted.parameters
        most = _AT_ONCE if wanted.since else wanted.last
        if not most:
            return []
        asked.append(("limit", str(most)))
        if wanted.session_id is None:
            found = self._reader.get("/api/events", Arrivals, asked).events
            found.sort(key=lambda event: event.timestamp)
        else:
            path = session_path(wanted.session_id, "events")
            of_sessions = [(name, value) for name, value in asked if name != "product"]
            found = self._reader.get(path, EventPage, of_sessions).events[::-1]
        if wanted.since and len(found) == _AT_ONCE:
            self._remark(f"there are more; these are the last {_AT_ONCE:,}")
        return found

    def _print_after(self, place: int) -> int:
        """Print what came in after a place; the place to go on from."""
        asked = [*self._wanted.parameters, ("limit", str(_AT_ONCE))]
        if self._wanted.session_id is not None:
            asked.append(("session", self._wanted.session_id))
        while True:
            found = self._patiently("/api/events", Arrivals, [*asked, ("after", str(place))])
            self._print(found.events)
            place = found.next
            if not found.more:
                return place

    def _ended(self) -> Session | None:
        """The session that is followed, if it has ended."""
        if self._wanted.session_id is None:
            return None
        session = self._patiently(session_path(self._wanted.session_id), Session, [("include", "")])
        return session if session.ended_at is not None else None

    def _told_beside(self) -> ComingAndGoing | None:
        """What is told beside the events, where these are all that there are of all sessions."""
        others = {name for name, _ in self._wanted.parameters} - {"product"}
        if self._wanted.session_id is not None or others or self._as_json:
            return None
        return ComingAndGoing(self._reader, self._wanted.filters.get("product"))

    def _turns(self, told: ComingAndGoing | None) -> list[Turn]:
        try:
            return list(told.turns()) if told else []
        except ServerError as error:
            if not is_passing(error):
                raise
            return []  # that it is away is told where events are asked for

    def _print_turns(self, turns: Iterable[Turn]) -> None:
        for turn in turns:
            whose = whose_text(turn.session.id, turn.session.product)
            line = turn_line(turn.status, self._when(turn.at), whose, turn.words)
            show(self._console, cut(line, self._width))
        sys.stdout.flush()

    def _patiently(self, path: str, kind: type[Answered], asked: Parameters) -> Answered:
        """The answer, however long the server is away; that it is, and that it is back, is told."""
        since, pause = time.monotonic(), _SECONDS_BETWEEN
        away = False
        while True:
            try:
                answer = self._reader.get(path, kind, asked)
            except ServerError as error:
                if not is_passing(error):
                    raise
                if not away:
                    away = True
                    self._remark(f"{error}; waiting for it")
                time.sleep(pause)
                pause = min(pause * 1.5, _LONGEST_PAUSE)
                continue
            if away:
                self._remark(f"{self._reader.url} is back after {duration(time.monotonic() - since)}")
            return answer

    def _print(self, events: Iterable[NumberedEvent]) -> None:
        for event in events:
            if self._as_json:
                print(encode(event).decode())
            else:
                self._print_line(event)
        sys.stdout.flush()

    def _print_line(self, event: NumberedEvent) -> None:
        when = self._when(event.timestamp)
        whose = None if self._wanted.session_id is not None else whose_text(event.session_id, event.product)
        show(self._console, event_line(event.stored, when, self._width, whose))
        if self._full and event.is_exception:
            for line in evidence.traceback(event).text.splitlines():
                show(self._console, Text("    ").append_text(said(line, "dim")))

    def _when(self, instant: datetime) -> str:
        """The time of day, below a line for each day; whole where it is not for a terminal."""
        if not self._console.is_terminal:
            return rfc3339(instant)
        day = f"{instant.astimezone(UTC):%Y-%m-%d}"
        if day != self._day:
            self._day = day
            show(self._console, Text(f"{day} UTC", "dim"))
        return f"{exact(instant)[11:23]}"

    def _tell_the_end(self, session: Session) -> None:
        if self._as_json:
            return
        told = told_of(self._reader, session)
        self._remark_line(Text.assemble(status_text(session.status), "  ", said(told.sentence, "bold")))

    def _remark(self, text: str) -> None:
        self._remark_line(said(f"-- {text}", "yellow"))

    def _remark_line(self, line: Text) -> None:
        show(self._errors, line)
        self._errors.file.flush()
