"""Progress of what takes long: a line at the end of standard error, if that is a terminal, and gone afterwards.

Rich is imported when there is something to show: a server that starts, and most often has nothing to bring up to date,
does not wait for it.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from datacat_server.wording import count, number, size

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, ProgressColumn
    from rich.table import Column

Show = Callable[[float, float, str], None]
"""To be told how much is done, of how much (0: nobody knows), and what else there is to say."""

_WIDEST_BAR = 40
_NARROWEST_BAR = 8
_BESIDE = 62  # what stands beside the bar: what is done, the amount and the time


class Line:
    """The line, which is there from the first time that something is shown."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._console: Console | None = None
        self._bar: Progress | None = None
        self._is_counted = False

    def show(self, done: float, total: float, told: str) -> None:
        """Bring it up to date, as `Show` says."""
        if self._console is None:
            from datacat_server.terminal.style import output

            self._console = output(errors=True)
        if not self._console.is_interactive:
            return
        if self._bar is None or self._is_counted != (total > 0):
            self.remove()
            self._is_counted = total > 0
            self._bar = _counted(self._console) if total > 0 else _waiting(self._console)
            self._bar.add_task(self._what, told=told, total=total or None)
        task = self._bar.task_ids[0]
        if total > 0:
            self._bar.update(task, completed=done, total=max(total, done), description=self._what, told=told)
        else:
            self._bar.update(task, description=self._what, told=told)
        self._bar.start()

    def rename(self, what: str) -> None:
        """Say that something else is done now."""
        self._what = what
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], description=what)

    def remove(self) -> None:
        """Take it away, until something is shown again."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None


@contextmanager
def progress_line(what: str) -> Iterator[Line]:
    """A line of progress while inside, which is shown when it is told something first."""
    line = Line(what)
    try:
        yield line
    finally:
        line.remove()


@contextmanager
def progress_bar(what: str) -> Iterator[Show]:
    """The same, to be told only."""
    with progress_line(what) as line:
        yield line.show


def counted(show: Show, noun: str) -> Callable[[int, int], None]:
    """Tells it of things: how many are done, and of how many."""

    def tell(done: int, total: int) -> None:
        show(done, total, f"{number(done)} of {count(total, noun)}")

    return tell


def measured(show: Show) -> Callable[[int, int], None]:
    """Tells it of bytes: how many are done, and of how many."""

    def tell(done: int, total: int) -> None:
        show(done, total, f"{size(done)} of {size(total)}")

    return tell


def _counted(console: "Console") -> "Progress":
    """A bar with the amount and the rest of the time."""
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn

    width = max(_NARROWEST_BAR, min(_WIDEST_BAR, console.width - _BESIDE))
    return _progress(
        console,
        TextColumn("{task.description}", table_column=_column()),
        BarColumn(width),
        TaskProgressColumn(table_column=_column()),
        TextColumn("{task.fields[told]}", markup=False, table_column=_column(may_be_cut=True)),
        TimeRemainingColumn(compact=True, table_column=_column()),
    )


def _waiting(console: "Console") -> "Progress":
    """That something is going on, and for how long."""
    from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn

    return _progress(
        console,
        SpinnerColumn(),
        TextColumn("{task.description}", table_column=_column(may_be_cut=True)),
        TextColumn("{task.fields[told]}", markup=False, table_column=_column(may_be_cut=True)),
        TimeElapsedColumn(table_column=_column()),
    )


def _progress(console: "Console", *columns: "ProgressColumn") -> "Progress":
    from rich.progress import Progress

    # What is printed meanwhile stands above the line, where both are for a terminal.
    return Progress(*columns, console=console, transient=True, redirect_stdout=sys.stdout.isatty())


def _column(*, may_be_cut: bool = False) -> "Column":
    from rich.table import Column

    return Column(no_wrap=True, overflow="ellipsis", min_width=None if may_be_cut else 4)
