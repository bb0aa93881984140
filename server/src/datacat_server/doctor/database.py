"""The database: whether it is ours and whole, how large it is, what is in it."""

import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from datacat_server.doctor.findings import Finding, bad, ok, warn
from datacat_server.store.errors import StoreError
from datacat_server.store.sqlite.file.connection import FILE_NAME
from datacat_server.store.sqlite.file.migrate import UnfitFile, newest_version, version_of
from datacat_server.store.sqlite.upkeep.check import contents_of, looking_at, problems_in
from datacat_server.wording import count, size

ABOUT = "database"
_RESTORE = "stop the server and put a backup in place: `datacat restore FILE`"
_LARGE_LOG = 500_000_000


def look_at_database(folder: Path, *, full: bool, named: bool) -> Iterator[Finding]:
    """What there is to say of the database in a data folder.

    `full`: compare every index with its table, too. `named`: somebody has named the folder just now, and expects it.
    """
    file = folder / FILE_NAME
    if named and not folder.exists():
        yield warn(ABOUT, f"{folder} is not there", "say where the data are; a server that is started there makes it")
        return
    if not file.exists():
        yield ok(ABOUT, f"there is none yet in {folder}; the server makes it")
        return
    if not os.access(folder, os.W_OK) or not os.access(file, os.W_OK):
        yield bad(ABOUT, f"{file} cannot be written by this user", "make the folder and the file writable for it")
    try:
        with looking_at(file) as connection:
            yield from _look(connection, file, full=full)
    except UnfitFile as error:
        yield bad(ABOUT, f"{file} {error.reason}", "update DataCat, or set data_path to another folder")
    except StoreError as error:
        yield bad(ABOUT, f"{file} cannot be read: {error}", _RESTORE)


def _look(connection: sqlite3.Connection, file: Path, *, full: bool) -> Iterator[Finding]:
    version = version_of(connection)
    problems = problems_in(connection, full=full)
    if problems:
        yield bad(ABOUT, f"{file} is damaged: {'; '.join(problems[:3])}", _RESTORE)
    else:
        yield ok(ABOUT, f"{file} is whole ({'every page and index' if full else 'every page; indexes with --full'})")
    if version < newest_version():
        yield ok(
            ABOUT, f"its tables are of version {version}; the server brings them to {newest_version()} at its start"
        )
    log = file.with_name(file.name + "-wal")
    log_size = log.stat().st_size if log.exists() else 0
    if log_size > _LARGE_LOG:
        yield warn(
            ABOUT,
            f"its write-ahead log has grown to {size(log_size)}",
            "something reads for very long, or the server was killed: start the server again",
        )
    if problems:
        return
    contents = contents_of(connection)
    yield ok(
        ABOUT,
        f"{size(contents.bytes)}, of which {size(contents.free_bytes)} free; log {size(log_size)}; version {version}",
    )
    rows = [f"{name} {number:,}" for name, number in contents.rows.items() if name != "removals"]
    yield ok(ABOUT, f"rows: {', '.join(rows)}")
    if waiting := contents.rows.get("removals"):
        yield ok(ABOUT, f"{count(waiting, 'session')} being cleared away after its removal, or being imported")
    if not contents.shrinks:
        yield warn(
            ABOUT,
            "an older version made the file: space that becomes free stays in it",
            "when the server is stopped: `datacat prune --compact`",
        )
