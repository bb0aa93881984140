"""What `datacat backup` and `datacat restore` share: the progress bar."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from datacat_server.cli import moving


@contextmanager
def progress_bar(what: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on standard error while inside, if that is a terminal; to be told how much is done, and of how much."""
    with moving.progress_bar(what) as bar:

        def show(done: int, total: int) -> None:
            bar(done, total, "" if done < total else "checking it")

        yield show
