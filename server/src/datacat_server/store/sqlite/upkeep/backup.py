"""Copies of the database: made while a server runs, checked, and put back in place.

A copy is taken with SQLite's online backup, in steps, within one transaction that reads: it holds exactly what was
committed when it began, and nobody waits for it. `VACUUM INTO` would make a smaller file, but says nothing of how far
it is and rebuilds every index. A copy is one file without a write-ahead log, and bears its final name only when it is
whole, checked and on disk.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from datacat_server.store.errors import StoreDamaged, StoreError
from datacat_server.store.progress import Progress
from datacat_server.store.sqlite.file.ballast import FILE_NAME as BALLAST_NAME
from datacat_server.store.sqlite.file.connection import FILE_NAME, connect_read_only
from datacat_server.store.sqlite.file.lock import LOCK_NAME, SERVER_LOCK_NAME, DataLock
from datacat_server.store.sqlite.file.migrate import UnfitFile, version_of
from datacat_server.store.sqlite.upkeep.check import Contents, contents_of, problems_in
from datacat_server.unfinished import begin, name_it, sync

_STEP_PAGES = 2_000
_OF_SERVERS = (LOCK_NAME, SERVER_LOCK_NAME, BALLAST_NAME)
_BESIDE = ("-wal", "-shm")
_FULL = "its disk is full; free some space there, or take another place"


def back_up(data_path: Path, target: Path, *, force: bool, progress: Progress) -> Contents:
    """Copy the database of a data folder, in use or not, to a file for its owner only; what the copy holds.

    `progress` is told of bytes, before the copy is checked.

    Raises StoreError, with nothing left behind, where there is no database, `target` is there already and not to be
    replaced (`force`), there is no room, or the copy does not hold together (StoreDamaged).
    """
    source = data_path / FILE_NAME
    if not source.exists():
        raise StoreError(f"there is no database in {data_path}; say where it is with --data-path")
    if target.is_dir():
        raise StoreError(f"{target} is a folder; name a file")
    if target.parent.is_dir() and source.parent.samefile(target.parent):
        beside = target.name.startswith(f"{FILE_NAME}-")  # SQLite takes it for its own, though it be yet to be made
        if beside or (target.exists() and target.name.startswith(FILE_NAME)):
            raise StoreError(f"{target} is the database itself; name another file")
        if target.name in _OF_SERVERS:
            raise StoreError(f"{target} is a file that servers need; name another file")
    if target.exists() and not force:
        raise StoreError(f"{target} is there already; name another file, or replace it with --force")
    with _copied(source, target.parent, progress) as (copy, contents):
        _put(copy, target, replace=force)
    return contents


def restore(data_path: Path, backup: Path, *, force: bool, progress: Progress) -> tuple[Contents, Path | None]:
    """Put a backup in the place of a data folder's database; what it holds, and where the one before is kept.

    With `force` the one before is not kept. A backup of an older version is brought up to date when a server starts.
    Raises StoreError, with nothing changed, where the folder is in use, or the backup is none, of a newer version or
    damaged.
    """
    if not backup.is_file():
        raise StoreError(f"{backup} is not a file")
    place = data_path / FILE_NAME
    if place.exists() and place.samefile(backup):
        raise StoreError(f"{backup} is the database itself; name a backup")
    with _made(data_path), _alone(data_path), _copied(backup, data_path, progress) as (copy, contents):
        _settle(place)
        kept = None if force else _put_aside(place)
        for ending in _BESIDE:
            place.with_name(place.name + ending).unlink(missing_ok=True)
        _put(copy, place, replace=True)
    return contents, kept


@contextmanager
def _made(folder: Path) -> Iterator[None]:
    """A folder that is there; where it was not before, it is gone again if this fails, with the lock in it."""
    new = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"data_path: {folder} cannot be used as a folder: {error.strerror}") from error
    try:
        yield
    except BaseException:
        if new:
            (folder / LOCK_NAME).unlink(missing_ok=True)
        with suppress(OSError):  # whoever has put something there meanwhile keeps it
            for path in new:
                path.rmdir()
        raise


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    lock = DataLock(folder)
    lock.take_alone()
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _copied(source: Path, folder: Path, progress: Progress) -> Iterator[tuple[Path, Contents]]:
    """A whole, checked copy in a folder, under a name of its own; removed at the end, if it is still there."""
    try:
        descriptor, copy = begin(folder, FILE_NAME)
    except OSError as error:
        raise StoreError(f"{folder} cannot be written: {error.strerror}") from error
    os.close(descriptor)
    try:
        with closing(sqlite3.connect(copy, isolation_level=None)) as target:
            _copy(source, target, progress)
            if problems := problems_in(target):
                raise _damaged(source, problems[0])
            contents = contents_of(target)
        sync(copy)
        yield copy, contents
    except sqlite3.Error as error:
        raise _failed(error, source, folder) from error
    finally:
        copy.unlink(missing_ok=True)
        for ending in (*_BESIDE, "-journal"):
            copy.with_name(copy.name + ending).unlink(missing_ok=True)


def _copy(source: Path, target: sqlite3.Connection, progress: Progress) -> None:
    # Nobody reads the copy before it is synced as a whole.
    target.execute("PRAGMA synchronous = OFF")
    target.execute("PRAGMA journal_mode = OFF")
    with closing(connect_read_only(source)) as reading:
        try:
            reading.execute("BEGIN")
            if version_of(reading) == 0:
                raise StoreError(f"{source} is an empty database")
        except UnfitFile as error:
            raise StoreError(f"{source} {error.reason}") from error
        except sqlite3.DatabaseError as error:
            raise _unreadable(error, source) from error
        page: int = reading.execute("PRAGMA page_size").fetchone()[0]

        def tell(_status: int, left: int, pages: int) -> None:
            progress(page * (pages - left), page * pages)

        reading.backup(target, pages=_STEP_PAGES, progress=tell)
    # As it is in the copy, a write-ahead log would come with it.
    target.execute("PRAGMA journal_mode = DELETE")


def _put(copy: Path, place: Path, *, replace: bool) -> None:
    try:
        name_it(copy, place, replace=replace)
    except FileExistsError:
        raise StoreError(f"{place} is there already; name another file, or replace it with --force") from None
    except OSError as error:
        raise StoreError(f"{place} cannot be written: {error.strerror}") from error


def _settle(place: Path) -> None:
    """Have what a database's log holds in the file itself, where it can still be opened: the log goes first, and a
    kill in between is to leave a whole database in force.
    """
    if place.exists():
        with suppress(sqlite3.Error), closing(sqlite3.connect(place, isolation_level=None)) as old:
            old.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _put_aside(place: Path) -> Path | None:
    """Give a database, with what is beside it, a second name, under which it stays; that name.

    Under its first one it is there until the backup takes its place: a kill in between leaves it in force.
    """
    if not place.exists():
        return None
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    kept = place.with_name(f"{place.name}.before-{stamp}")
    for ending in (*_BESIDE, ""):
        part = place.with_name(place.name + ending)
        if part.exists():
            _name_too(part, kept.with_name(kept.name + ending))
    return kept


def _name_too(part: Path, name: Path) -> None:
    try:
        name.hardlink_to(part)
    except OSError:  # a file system without links
        part.rename(name)


def _failed(error: sqlite3.Error, source: Path, folder: Path) -> StoreError:
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
    if code == sqlite3.SQLITE_FULL:
        return StoreError(f"{source} does not fit into {folder}: {_FULL}")
    return StoreError(f"{source} could not be copied to {folder}: {error}")


def _unreadable(error: sqlite3.DatabaseError, source: Path) -> StoreError:
    match getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF:
        case sqlite3.SQLITE_NOTADB:
            return StoreError(f"{source} is not a database")
        case sqlite3.SQLITE_CORRUPT:
            return _damaged(source, str(error))
        case _:
            return StoreError(f"{source} cannot be read: {error}")


def _damaged(source: Path, how: str) -> StoreDamaged:
    return StoreDamaged(
        f"{source} is damaged ({how}); `datacat doctor --full` says more of a data folder, and an older backup may "
        "be whole"
    )
