"""What `datacat ls` prints, once or whenever something becomes of the sessions."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NoReturn

import msgspec
from rich.console import Console
from rich.text import Text

from datacat_server.cli.addressing import ServerError
from datacat_server.cli.asking import Reader, is_passing
from datacat_server.cli.finding import Parameters, pages
from datacat_server.model import SessionPage, SessionSummary, encode
from datacat_server.search_line import mistaken
from datacat_server.terminal.session_table import session_lines
from datacat_server.terminal.style import cut, output, said, show, width_of
from datacat_server.wording import count, number

_SECONDS_BETWEEN = 1.0
_LINES_AROUND = 4  # the titles, what stands below the table, and the cursor's own


class Listing:
    """Sessions of a search, a page of them.

    Args:
        reader: the server.
        parameters: of the search and its order.
        limit: how many make a page; None for all.
        page: which one, from 1 on.
        as_json: print JSON.
    """

    def __init__(
        self, reader: Reader, parameters: Parameters, limit: int | None, page: int = 1, *, as_json: bool = False
    ) -> None:
        self._reader = reader
        self._parameters = parameters
        self._limit = limit
        self._page = page
        self._as_json = as_json

    def show(self) -> None:
        """Print them. Raises ServerError."""
        found = self._found()
        if self._as_json:
            print(encode(found).decode())
            return
        console = output()
        for line in self._lines(found, console):
            show(console, line)
        if not found.sessions and width_of(console) is None:  # the output is read by a program, this by its user
            show(output(errors=True), said(self._remark(found, 0)))

    def follow(self) -> NoReturn:
        """Print them, and what becomes of them, until it is interrupted. Raises ServerError."""
        console = output()
        if self._as_json or not console.is_interactive:
            self._follow_by_lines(console)
        from rich.live import Live  # for those who watch; a list is to be there at once

        with Live(console=console, auto_refresh=False, vertical_overflow="crop") as live:
            found, trouble = self._found(), ""
            while True:
                lines = self._lines(found, console, most=max(1, console.height - _LINES_AROUND))
                watched = f"{datetime.now(UTC):%H:%M:%S} UTC · Ctrl-C ends it"
                lines.append(cut(said(trouble, "yellow") if trouble else Text(watched, "dim"), console.width))
                live.update(Text("\n").join(lines), refresh=True)
                time.sleep(_SECONDS_BETWEEN)
                try:
                    found, trouble = self._found(), ""
                except ServerError as error:
                    if not is_passing(error):
                        raise
                    trouble = str(error)

    def _follow_by_lines(self, console: Console) -> NoReturn:
        """A line for each session that is new, or not what it was."""
        seen: dict[str, bytes] | None = None
        while True:
            try:
                found = self._found().sessions
            except ServerError as error:
                if seen is None or not is_passing(error):
                    raise
                found = []
            seen = {} if seen is None else seen
            for session in reversed(found):
                told = encode(session) if self._as_json else encode([session.status, session.reason])
                if seen.get(session.id) != told:
                    seen[session.id] = told
                    self._tell(session, console)
            time.sleep(_SECONDS_BETWEEN)

    def _tell(self, session: SessionSummary, console: Console) -> None:
        if self._as_json:
            print(encode(session).decode(), flush=True)
            return
        for line in session_lines([session], datetime.now(UTC), None, titles=False):
            show(console, line)
        console.file.flush()

    def _found(self) -> SessionPage:
        """A page as the API answers it, joined where it is several of those; `cursor` null: no more follow."""
        first = 0 if self._limit is None else (self._page - 1) * self._limit
        joined: list[SessionSummary] = []
        whole = SessionPage([], None, 0)
        for whole in pages(self._reader, self._parameters, None if self._limit is None else first + self._limit):
            joined += whole.sessions
        return msgspec.structs.replace(whole, sessions=joined[first:])

    def _lines(self, found: SessionPage, console: Console, most: int | None = None) -> list[Text]:
        """The table, at most `most` rows of it, and what there is to say of it on a terminal."""
        width = width_of(console)
        shown = found.sessions[:most]
        lines = session_lines(shown, datetime.now(UTC), width) if shown else []
        if width is not None:
            lines.append(cut(said(self._remark(found, len(shown)), "dim"), width))
        return lines

    def _taken_for_text(self) -> Iterator[str]:
        """What was searched for as a text, and may have been meant as a filter."""
        for word, meant in mistaken(self._parameters):
            name = word.partition(":")[0]
            yield f"there is no filter {name}" + (
                f", did you mean {meant}?" if meant else ", so it is searched for as text"
            )

    def _remark(self, found: SessionPage, shown: int) -> str:
        asked = [name for name, _ in self._parameters if name != "sort"]
        if not shown:
            if found.total:
                return f"no more than {count(found.total, 'session')}"
            if not asked:
                return "no session yet; `datacat run -- PROGRAM` makes one"
            return "; ".join(["no session is like that", *self._taken_for_text()])
        total = f"{'more than ' if found.total_is_capped else ''}{count(found.total, 'session')}"
        if shown == found.total:
            return total
        onward = f" · --page {self._page + 1} shows more, --all all" if found.cursor is not None else ""
        return f"{number(shown)} of {total}{onward}"
