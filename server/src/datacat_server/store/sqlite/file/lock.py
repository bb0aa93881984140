"""Who uses a data folder: every store shares its lock, and what replaces the database needs it alone.

One process at a time serves it, for it alone removes, settles and delivers; a lock of its own says which.
Each is a lock on a file of the folder: the system lets go of it when its holder dies, however it dies.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from datacat_server.store.errors import StoreError
from datacat_server.store.sqlite.file.lock_calls import lock, read_begin, write_whole

LOCK_NAME = "datacat.lock"
SERVER_LOCK_NAME = "datacat.server.lock"


class DataLock:
    """The lock of one data folder."""

    def __init__(self, data_path: Path) -> None:
        self._folder = data_path
        self._descriptor = -1

    def share(self) -> None:
        """Use the folder beside others. Raises StoreError while its database is being replaced."""
        self._take(False, "its database is being replaced; start again when that is done")

    def take_alone(self) -> None:
        """Keep others out. Raises StoreError while a server, a web UI or another command uses the folder."""
        self._take(True, "a server, a web UI or another command is using it; stop that first")

    def release(self) -> None:
        """Let go of it."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _take(self, alone: bool, otherwise: str) -> None:
        self._descriptor = _opened(self._folder, LOCK_NAME)
        if not lock(self._descriptor, alone=alone):
            self.release()
            raise StoreError(f"data_path: {self._folder}: {otherwise}")


@contextmanager
def only_server(data_path: Path) -> Iterator[None]:
    """Be the one server of a folder. Raises StoreError, with the process id, where there is one already."""
    descriptor = _opened(data_path, SERVER_LOCK_NAME)
    try:
        if not lock(descriptor, alone=True):
            raise StoreError(
                f"data_path: {data_path} is served by {_holder(descriptor)} already; stop that one first, or give this"
                " one a folder of its own (--data-path)"
            )
        with suppress(OSError):  # on a full disk it serves all the same, and is not named
            write_whole(descriptor, f"{os.getpid()}\n".encode())
        yield
    finally:
        os.close(descriptor)


def server_of(data_path: Path) -> str | None:
    """The process that serves a folder, in words; None where there is none. Nothing is made for it."""
    try:
        descriptor = os.open(data_path / SERVER_LOCK_NAME, os.O_RDONLY)
    except OSError:
        return None
    try:
        return None if lock(descriptor, alone=False) else _holder(descriptor)
    finally:
        os.close(descriptor)


def _holder(descriptor: int) -> str:
    number = read_begin(descriptor, 20).decode("ascii", "replace").strip()
    return f"process {number}" if number.isdigit() else "another process"


def _opened(folder: Path, name: str) -> int:
    try:
        return os.open(folder / name, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise StoreError(f"data_path: {folder} cannot be written: {error.strerror}") from error
