"""What commands share that work on a data folder: the store in it, opened with a look at how far it is."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from datacat_server.cli.leaving import fail
from datacat_server.cli.settings import configured
from datacat_server.store.sqlite import SqliteStore
from datacat_server.store.sqlite.file.connection import FILE_NAME
from datacat_server.terminal.progress import counted, progress_bar


def folder_of(data_path: str | None, config_file: Path | None) -> Path:
    """The data folder that a command means."""
    return Path(configured(config_file, {"data_path": data_path}).data_path).absolute()


def database_in(folder: Path) -> Path:
    """The database of a data folder; where there is none, that ends the command."""
    file = folder / FILE_NAME
    if not file.exists():
        fail(f"there is no database in {folder}; say where it is with --data-path")
    return file


@contextmanager
def opened(folder: Path) -> Iterator[SqliteStore]:
    """The store of a folder; one of an older version is brought up to date with a bar. Raises StoreError."""
    with progress_bar("Updating the tables") as show:
        store = SqliteStore(folder, counted(show, "session"))
    with closing(store):
        yield store


@contextmanager
def data_folder(data_path: str | None, config_file: Path | None, *, make: bool) -> Iterator[SqliteStore]:
    """The store of a data folder, which has to be there unless it may be made. Raises StoreError."""
    folder = folder_of(data_path, config_file)
    if not make:
        database_in(folder)
    with opened(folder) as store:
        yield store
