"""Statements that take long and that Ctrl-C is to end."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

_INSTRUCTIONS = 10_000


@contextmanager
def interruptible(db: sqlite3.Connection) -> Iterator[None]:
    """Have Ctrl-C end the statement that runs inside. Raises KeyboardInterrupt then.

    Python looks for signals between its own instructions, and a check of a large file is one for it. So SQLite calls
    back now and then; what is raised there it takes for a wish to stop.
    """
    db.set_progress_handler(lambda: 0, _INSTRUCTIONS)
    try:
        yield
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT:
            raise KeyboardInterrupt from None
        raise
    finally:
        db.set_progress_handler(None, 0)
