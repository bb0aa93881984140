"""What the writer remembers of a session between batches, so that applying a record reads nothing.

A session is loaded once, then kept up to date in memory together with the tables; `Ledger` forgets it whenever a
transaction did not come to its end.
"""

import sqlite3
import sys
from dataclasses import dataclass, field
from typing import Any

from datacat_server.ingest.lifecycle import Standing
from datacat_server.store.sqlite.folds.event_counts import Pair
from datacat_server.store.sqlite.folds.metrics import Fold, SeriesKey, load_series, weight_of
from datacat_server.store.sqlite.folds.releases import Counted
from datacat_server.store.sqlite.folds.search_terms import SessionTerms, fold_state, load_terms
from datacat_server.store.sqlite.folds.session_text import write_text
from datacat_server.store.sqlite.folds.states import StateLog, load_state_log
from datacat_server.store.sqlite.folds.tally import Tally, load_tally
from datacat_server.store.sqlite.folds.timeline import Timeline

COLUMNS = (
    "id, created, updated, ended, last_heartbeat, suspended, crashed, hung, ever_hung, reason, product, version, "
    "machine_id, hostname, pid, facts, event_count, metric_count, exception_count, refused_count, dropped_count, "
    "lost_count, received, boot_id, presumed"
)

_SAVED = ["status", *COLUMNS.split(", ")[1:]]
_NEXT_NUMBER = (
    "SELECT coalesce(max(id), 0) + 1"
    " FROM (SELECT max(id) AS id FROM sessions UNION ALL SELECT max(session) FROM removals)"
)
_WEIGHT = 2_300
_WEIGHT_OF_WRITER = 200
_WEIGHT_OF_PAIR = 200
_WEIGHT_OF_COURSE = 100
_WEIGHT_OF_TIMELINE = 150
_STANDING = {"status", "ended", "suspended", "crashed", "hung", "ever_hung", "reason", "presumed"}


@dataclass(slots=True)
class LiveSession:
    """One session as the writer knows it; times in microseconds, `received` by our clock. `row`: its number.

    `published`: it is in `sessions`. One that is being imported is not: its records are in the tables under its number,
    where nobody looks for them, and it counts nowhere.
    """

    row: int
    created: int
    updated: int
    last_heartbeat: int | None
    standing: Standing
    product: str
    version: str
    machine_id: str | None
    hostname: str | None
    pid: int | None
    facts: str
    event_count: int = 0
    metric_count: int = 0
    exception_count: int = 0
    refused_count: int = 0
    dropped_count: int = 0
    lost_count: int = 0
    received: int = 0
    boot_id: str | None = None
    published: bool = True
    writers: dict[str, int] = field(default_factory=dict)
    verdict_count: int = 0
    states: StateLog = field(default_factory=StateLog)
    series: dict[SeriesKey, Fold] = field(default_factory=dict)
    tally: Tally = field(default_factory=Tally)
    event_pairs: set[Pair] | None = None
    texts: tuple[str | None, ...] | None = None
    # Its row, as it stands in the table.
    saved: tuple[Any, ...] = ()
    # Read when they are first needed, which a short session never does.
    terms: SessionTerms | None = None
    timeline: Timeline | None = None
    courses: dict[int, int] = field(default_factory=dict)
    series_weight: int = 0

    @property
    def weight(self) -> int:
        """About how much memory it takes, in bytes."""
        terms = 0 if self.terms is None else self.terms.weight
        counted = self.tally.weight + _WEIGHT_OF_PAIR * len(self.event_pairs or ())
        folded = _WEIGHT_OF_COURSE * len(self.courses) + (_WEIGHT_OF_TIMELINE if self.timeline else 0)
        records = self.series_weight + self.states.weight + terms + counted + folded
        # Its own texts are in memory once: `texts` and `saved` hold the same ones.
        said = sum([sys.getsizeof(text) for text in (self.facts, *_texts(self)) if text])
        return said + _WEIGHT + _WEIGHT_OF_WRITER * len(self.writers) + records

    @property
    def counted(self) -> Counted:
        """What it is counted as in release health and in problems."""
        machine, standing = self.machine_id or self.hostname, self.standing
        outcome = (standing.crashed, standing.ever_hung, standing.ended is not None)
        return Counted(self.product, self.version, machine, self.hostname, self.created, *outcome)


def load_row(db: sqlite3.Connection, session_id: str) -> LiveSession | None:
    """Of the session its row alone, to be changed and saved; no record can be applied to it. None: there is none."""
    row = db.execute(f"SELECT {COLUMNS} FROM sessions WHERE session_id = ?", (session_id,)).fetchone()
    if row is None:
        return None
    number, created, updated, ended, heartbeat, suspended, crashed, hung, ever_hung, reason, *rest, presumed = row
    standing = Standing(ended, bool(suspended), bool(crashed), bool(hung), bool(ever_hung), reason, presumed)
    session = LiveSession(number, created, updated, heartbeat, standing, *rest)
    session.texts = _texts(session)
    session.saved = _values(session)
    return session


def load(db: sqlite3.Connection, session_id: str) -> LiveSession | None:
    """The session from the tables, or None where there is none."""
    session = load_row(db, session_id)
    if session is None:
        return None
    number = session.row
    session.writers = dict(db.execute("SELECT writer, next FROM writers WHERE session = ?", (number,)))
    session.verdict_count = _count(db, "SELECT count(*) FROM verdicts WHERE session = ?", number)
    session.states = load_state_log(db, number)
    session.series = load_series(db, number)
    session.tally = load_tally(db, number)
    session.series_weight = sum(map(weight_of, session.series))
    return session


def reserve_number(db: sqlite3.Connection) -> int:
    """The number of a new session, which is not that of one whose records are in the tables without it."""
    number: int = db.execute(_NEXT_NUMBER).fetchone()[0]
    return number


def insert(db: sqlite3.Connection, session_id: str, session: LiveSession) -> None:
    """A row for a new session, which has its number already."""
    session.saved = _values(session)
    names = ", ".join(_SAVED)
    marks = ", ".join("?" for _ in _SAVED)
    db.execute(
        f"INSERT INTO sessions (id, session_id, {names}) VALUES (?, ?, {marks})",
        (session.row, session_id, *session.saved),
    )


def save(db: sqlite3.Connection, session: LiveSession) -> None:
    """Bring the session's row up to date, and what it is found by."""
    if session.published:
        _save_row(db, session)
    log = session.states
    if log.unfolded:
        if session.terms is None:
            session.terms = load_terms(db, session.row)
        fold_state(db, session.row, session.terms, log.folded, log.state, log.unfolded)
        log.folded, log.unfolded = log.state, []


def _save_row(db: sqlite3.Connection, session: LiveSession) -> None:
    values = _values(session)
    # Each index of a column that is set is written to, also where the column stays what it was.
    changed = [(name, new) for name, new, old in zip(_SAVED, values, session.saved, strict=True) if new != old]
    if changed:
        columns = ", ".join(f"{name} = ?" for name, _ in changed)
        db.execute(f"UPDATE sessions SET {columns} WHERE id = ?", (*(new for _, new in changed), session.row))
        session.saved = values
    if (texts := _texts(session)) != session.texts:
        write_text(db, session.row)
        session.texts = texts


def _texts(session: LiveSession) -> tuple[str | None, ...]:
    return session.product, session.version, session.machine_id, session.hostname, session.standing.reason


def _values(session: LiveSession) -> tuple[Any, ...]:
    standing = session.standing
    return tuple([getattr(standing if name in _STANDING else session, name) for name in _SAVED])


def _count(db: sqlite3.Connection, query: str, *values: Any) -> int:
    count: int = db.execute(query, values).fetchone()[0]
    return count
