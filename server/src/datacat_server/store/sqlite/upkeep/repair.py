"""Folds anew what `recount` and `totals` found to differ, while nobody else uses the file: all of it or nothing."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from datacat_server.store.progress import Progress, untold
from datacat_server.store.sqlite.file.connection import FILE_NAME, connect
from datacat_server.store.sqlite.file.lock import DataLock
from datacat_server.store.sqlite.rows.failures import explained
from datacat_server.store.sqlite.upkeep.recount import Fold
from datacat_server.store.sqlite.upkeep.totals import count_totals


@contextmanager
def alone(data_path: Path) -> Iterator[None]:
    """Have a data folder for oneself. Raises StoreError where it is in use."""
    lock = DataLock(data_path)
    lock.take_alone()
    try:
        yield
    finally:
        lock.release()


def repair(data_path: Path, unsound: Sequence[tuple[int, Fold]], progress: Progress = untold) -> None:
    """Build folds of sessions, given by their numbers, and count all totals anew; within `alone`.

    `progress` is told of folds.

    Raises StoreError, with nothing changed, where the disk is full.
    """
    try:
        with closing(connect(data_path / FILE_NAME)) as db:
            db.execute("BEGIN IMMEDIATE")  # closing it undoes what is not committed
            # A session that is counted again is no news of a problem that somebody has resolved.
            marks = db.execute("SELECT status, resolved, resolved_in, regressed, regressed_in, id FROM problems")
            kept = marks.fetchall()
            for place, (session, fold) in enumerate(unsound):
                progress(place, len(unsound))
                fold.build(db, session)
            count_totals(db)
            db.executemany(
                "UPDATE problems SET status = ?, resolved = ?, resolved_in = ?, regressed = ?, regressed_in = ?"
                " WHERE id = ?",
                kept,
            )
            db.execute("COMMIT")
    except sqlite3.Error as error:
        raise explained(error) from error
