"""What `datacat backup` and `datacat restore` share: the progress bar, and sizes for people."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn


@contextmanager
def progress_bar(what: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on standard error while inside, if that is a terminal; to be told how much is done, and of how much."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn(compact=True))
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(what, total=None)

        def show(done: int, total: int) -> None:
            if done < total:
                progress.update(task, completed=done, total=total)
            else:
                progress.update(task, completed=total, total=total, description="Checking")

        yield show


def size_text(size: float) -> str:
    """A size in bytes for people: `532 bytes`, `12.3 MB`; 1 MB is a million bytes."""
    if size < 1000:
        return f"{size:.0f} bytes"
    for unit in ("kB", "MB", "GB"):
        size /= 1000
        if size < 999.5 or unit == "GB":
            break
    return f"{size:.1f} {unit}"


def count_text(count: int, what: str) -> str:
    """`1 session`, `12,345 sessions`."""
    return f"{count:,} {what}{'' if count == 1 else 's'}"
