"""The demo on the terminal: a live table; where the output is not a terminal, a line for each thing that happens."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from rich.console import Console, JustifyMethod
from rich.live import Live
from rich.table import Table
from rich.text import Text

from datacat_server.demo.outcome import Outcome

STYLES = {"ended": "green", "crashed": "red", "hung": "yellow", "hung, then recovered": "cyan", "active": "blue"}
ICONS = {"ended": "✓", "crashed": "✗", "hung": "◷", "hung, then recovered": "↻", "active": "▶", "suspended": "⏸"}
WIDTH_OF_A_PIPE = 140


class Screen:
    """Shows outcomes as they change. A context manager: the table stays on the screen when it is left."""

    def __init__(self, console: Console) -> None:
        self.console = console
        if not self.console.is_terminal:
            self.console.width = WIDTH_OF_A_PIPE
        self._live = Live(console=self.console, auto_refresh=False) if self.console.is_interactive else None
        self._said: dict[int, str | None] = {}
        self._last: Table | None = None

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
            self.console.print(self._last)

    def show(self, outcomes: Sequence[Outcome], *, final: bool = False) -> None:
        """Bring the screen up to date; when it is `final`, what is not right is wrong."""
        shown = table(outcomes, self.console.width, final=final)
        self._last = shown
        if self._live:
            self._live.update(shown, refresh=True)
            return
        for outcome in outcomes:
            number, status = outcome.instance.number, outcome.status
            if status != self._said.get(number):
                self._said[number] = status
                self.console.print(f"instance {number}, which {outcome.instance.does}: {status}", soft_wrap=True)


@dataclass(frozen=True)
class Column:
    """A column of the table.

    Args:
        header: its name.
        width: that its cells need, in characters.
        cell: makes a cell out of an outcome.
        numbers: whether they are numbers, which stand on the right.
        wraps: whether a cell may take several lines; it gets what room there is, `width` at least.
    """

    header: str
    width: int
    cell: Callable[[Outcome], str | Text]
    numbers: bool = False
    wraps: bool = False


def _session(outcome: Outcome) -> Text:
    return Text((outcome.session_id or "")[:8], f"link {outcome.page}" if outcome.page else "")


def _status(outcome: Outcome) -> Text:
    status = outcome.status
    if status is None:
        return Text("starting", "dim")
    return Text(f"{ICONS.get(status, ' ')} {status}", STYLES.get(status, ""))


def _records(outcome: Outcome) -> Text:
    if outcome.records is None:
        return Text("playing", "dim")
    numbers = f"{outcome.records.arrived:,} of {outcome.records.logged:,}"
    return Text(numbers, "" if outcome.records.complete else "red")


NUMBER = Column("#", 1, lambda outcome: str(outcome.instance.number))
SESSION = Column("session", 8, _session)
DOES = Column("what it does", 34, lambda outcome: outcome.instance.does)
FATE = Column("fate", 9, lambda outcome: outcome.instance.fate)
EXPECTED = Column("must be shown as", 20, lambda outcome: outcome.instance.expected)
STATUS = Column("DataCat says", 22, _status)
REASON = Column("reason", 36, lambda outcome: Text(outcome.reason), wraps=True)
RECORDS = Column("records", 16, _records, numbers=True)
RIGHT_WIDTH = 7
GAP = 2  # between two columns

# From the widest to the narrowest. A narrow terminal gets fewer columns instead of cut ones.
LAYOUTS = (
    (NUMBER, SESSION, DOES, EXPECTED, STATUS, REASON, RECORDS),
    (NUMBER, SESSION, DOES, STATUS, REASON, RECORDS),
    (NUMBER, SESSION, DOES, STATUS, RECORDS),
    (NUMBER, SESSION, FATE, STATUS, RECORDS),
    (NUMBER, FATE, STATUS),
    (NUMBER, STATUS),
)


def table(outcomes: Sequence[Outcome], width: int, *, final: bool) -> Table:
    """One row for each instance, with the columns that there is room for in `width` characters."""
    layout = next((columns for columns in LAYOUTS if _width(columns) <= width), LAYOUTS[-1])
    result = Table(title="DataCat watches seven games", title_justify="left", box=None, padding=(0, GAP, 0, 0))
    result.pad_edge = False
    for column in layout:
        justify: JustifyMethod = "right" if column.numbers else "left"
        result.add_column(column.header, justify=justify, min_width=column.width, no_wrap=not column.wraps)
    result.add_column("", min_width=RIGHT_WIDTH, no_wrap=True)
    for outcome in outcomes:
        result.add_row(*(column.cell(outcome) for column in layout), _right(outcome, final=final))
    return result


def _width(columns: Sequence[Column]) -> int:
    return sum(column.width + GAP for column in columns) + RIGHT_WIDTH


def _right(outcome: Outcome, *, final: bool) -> Text:
    if outcome.right:
        return Text("✓ right", "green")
    return Text("✗ wrong", "red") if final else Text("")


def summary(outcomes: Sequence[Outcome]) -> Text:
    """How the demo went, in one line."""
    wrong = sum(not outcome.right for outcome in outcomes)
    if wrong:
        return Text(f"\n{wrong} of {len(outcomes)} wrong", "bold red")
    return Text(f"\nAll {len(outcomes)} right, every record there", "bold green")
