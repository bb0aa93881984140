"""What `datacat export` and `datacat import` share: where the data are, and the progress bar."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from datacat_server.cli.settings import configured, fail
from datacat_server.store.sqlite import SqliteStore
from datacat_server.store.sqlite.file.connection import FILE_NAME

Show = Callable[[float, float, str], None]
"""To be told how much is done, of how much, and what else there is to say."""


@contextmanager
def data_folder(data_path: str | None, config_file: Path | None, *, make: bool) -> Iterator[SqliteStore]:
    """The store of a data folder, which has to be there unless it may be made. Raises StoreError."""
    folder = Path(configured(config_file, {"data_path": data_path}).data_path).absolute()
    if not make and not (folder / FILE_NAME).exists():
        fail(f"there is no database in {folder}; say where it is with --data-path")
    with closing(SqliteStore(folder)) as store:
        yield store


@contextmanager
def progress_bar(what: str) -> Iterator[Show]:
    """A bar on standard error while inside, if that is a terminal."""
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[told]}"),
        TimeRemainingColumn(compact=True),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(what, total=None, told="")

        def show(done: float, total: float, told: str) -> None:
            progress.update(task, completed=done, total=max(total, done, 1), told=told)

        yield show
