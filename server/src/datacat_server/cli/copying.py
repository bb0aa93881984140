"""What `datacat backup` and `datacat restore` show while they copy."""

from collections.abc import Iterator
from contextlib import contextmanager

from datacat_server.store.progress import Progress
from datacat_server.terminal.progress import measured, progress_line


@contextmanager
def copying() -> Iterator[Progress]:
    """How much of the database is copied, and then that the copy is looked through."""
    with progress_line("Copying") as line:
        tell = measured(line.show)

        def show(done: int, total: int) -> None:
            if done < total:
                tell(done, total)
            else:
                line.rename("Checking the copy")
                line.show(0, 0, "")

        yield show
