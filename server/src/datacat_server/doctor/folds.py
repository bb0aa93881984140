"""Whether what is folded of sessions is what their records say; it can be folded anew."""

import sqlite3
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

from datacat_server.doctor.findings import Finding, bad, ok
from datacat_server.doctor.progress import Progress, untold
from datacat_server.store.errors import StoreError
from datacat_server.store.sqlite.file.backfill import any_left
from datacat_server.store.sqlite.file.connection import FILE_NAME
from datacat_server.store.sqlite.file.functions import add_functions
from datacat_server.store.sqlite.file.migrate import newest_version, version_of
from datacat_server.store.sqlite.upkeep.check import looking_at
from datacat_server.store.sqlite.upkeep.recount import Fold, add_shadows, count_sessions, sessions_after, unsound
from datacat_server.store.sqlite.upkeep.repair import alone, repair
from datacat_server.store.sqlite.upkeep.totals import unsound_totals
from datacat_server.wording import count

ABOUT = "folds"
_REPAIR = "stop the server, then `datacat doctor --repair`"
_NAMED = 5


class _Found:
    """What differs: the folds of sessions, by their names, and the totals."""

    def __init__(self) -> None:
        self.sessions = 0
        self.unsound: list[tuple[int, Fold]] = []
        self.named: dict[str, list[str]] = {}
        self.totals: list[str] = []

    def told(self) -> Iterator[str]:
        """A line for each kind of fold that differs."""
        for name, ids in self.named.items():
            more = f" and {len(ids) - _NAMED:,} more" if len(ids) > _NAMED else ""
            yield f"{name}, of {count(len(ids), 'session')}: {', '.join(ids[:_NAMED])}{more}"
        for name in self.totals:
            yield f"{name}, of all sessions"


def look_at_folds(folder: Path, *, mend: bool, progress: Progress = untold) -> Iterator[Finding]:
    """Count anew what is folded in a data folder, and say what differs; `mend`: fold that anew.

    `progress` is told how far it has come.
    """
    file = folder / FILE_NAME
    if not file.exists():
        return
    try:
        # What is mended is not to change between the count and the mending, and a server that runs is told at once.
        with alone(folder) if mend else nullcontext():
            with looking_at(file) as db:
                if version_of(db) != newest_version() or any_left(db):
                    yield ok(ABOUT, "not looked at: the server brings the tables up to date at its start")
                    return
                found = _recounted(db, progress)
            told = list(found.told())
            if told and mend:
                progress("Folding anew what differs")
                repair(folder, found.unsound, lambda done, total: progress("Folding anew what differs", done, total))
                for what in told:
                    yield ok(ABOUT, f"folded anew: {what}")
                return
    except StoreError as error:
        yield bad(ABOUT, f"what is folded in {file} cannot be set right: {error}", _REPAIR)
        return
    for what in told:
        yield bad(ABOUT, f"not what the records say: {what}", _REPAIR)
    if not told:
        yield ok(ABOUT, f"what is folded of {count(found.sessions, 'session')} is what the records say")


def _recounted(db: sqlite3.Connection, progress: Progress) -> _Found:
    found = _Found()
    progress("Counting anew what is folded of all sessions")
    db.execute("PRAGMA temp_store = MEMORY")
    add_functions(db)
    found.totals = unsound_totals(db)
    add_shadows(db)
    total = count_sessions(db)
    last = 0
    while some := sessions_after(db, last):
        for number, session_id in some:
            found.sessions += 1
            for fold in unsound(db, number):
                found.unsound.append((number, fold))
                found.named.setdefault(fold.name, []).append(session_id)
            progress("Counting anew what is folded", found.sessions, total)
        last = some[-1][0]
    return found
