"""The demo on the terminal: a live table; where the output is not a terminal, a line for each thing that happens."""

from collections.abc import Sequence
from types import TracebackType
from typing import Self

from rich.box import SIMPLE
from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from datacat_server.demo.outcome import Outcome

STYLES = {"ended": "green", "crashed": "red", "hung": "yellow", "hung, then recovered": "cyan", "active": "blue"}
ICONS = {"ended": "✓", "crashed": "✗", "hung": "◷", "hung, then recovered": "↻", "active": "▶", "suspended": "⏸"}
WIDTH_OF_A_PIPE = 140


class Screen:
    """Shows outcomes as they change. A context manager: the table stays on the screen when it is left."""

    def __init__(self, *, stderr: bool) -> None:
        self.console = Console(stderr=stderr, highlight=False)
        if not self.console.is_terminal:
            self.console = Console(stderr=stderr, highlight=False, width=WIDTH_OF_A_PIPE)
        self._live = Live(console=self.console, auto_refresh=False) if self.console.is_terminal else None
        self._said: dict[int, str | None] = {}
        self._last: Sequence[Outcome] = ()

    def __enter__(self) -> Self:
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live:
            self._live.stop()
        elif self._last:
            self.console.print(table(self._last))

    def show(self, outcomes: Sequence[Outcome]) -> None:
        """Bring the screen up to date."""
        self._last = outcomes
        if self._live:
            self._live.update(table(outcomes), refresh=True)
            return
        for outcome in outcomes:
            number, status = outcome.instance.number, outcome.status
            if status != self._said.get(number):
                self._said[number] = status
                self.console.print(f"instance {number}, which {outcome.instance.does}: {status}", soft_wrap=True)


def table(outcomes: Sequence[Outcome]) -> Table:
    """One row for each instance."""
    result = Table(title="DataCat watches seven games", title_justify="left", box=SIMPLE, pad_edge=False)
    result.add_column("#", justify="right")
    result.add_column("what it does", ratio=3)
    result.add_column("must be shown as", ratio=2)
    result.add_column("DataCat says", ratio=2)
    result.add_column("reason", ratio=4)
    result.add_column("records", justify="right")
    result.add_column("", no_wrap=True)
    for outcome in outcomes:
        result.add_row(
            str(outcome.instance.number),
            outcome.instance.does,
            outcome.instance.expected,
            _status(outcome.status),
            Text(outcome.reason),
            _records(outcome),
            Text("right", "green") if outcome.right else "",
        )
    return result


def _status(status: str | None) -> Text:
    if status is None:
        return Text("starting", "dim")
    return Text(f"{ICONS.get(status, '')} {status}", STYLES.get(status, ""))


def _records(outcome: Outcome) -> Text:
    if outcome.records is None:
        return Text("playing", "dim")
    numbers = f"{outcome.records.arrived:,} of {outcome.records.logged:,}"
    return Text(numbers, "" if outcome.records.complete else "red")
