"""A large data folder: what ingest makes of some sessions, and a multiple of that by SQL, with all that is folded.

The first SAMPLE sessions and the long one come in as records do. The others are blocks of copies of these: later, of
other versions, with numbers of their own. What is folded of one session is copied with it; what is folded across
sessions is brought up to date by what an upgrade uses. Then it is checked: sessions out of the copies are the same
as when they are ingested, and the folds are what the tables come to.
"""

import random
import shutil
import sqlite3
import tempfile
import time
import zlib
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from batches import START
from datacat_server.filters import Filter, Relation, StateCondition
from datacat_server.ingest.records import (
    EventRecord,
    MetricRecord,
    Record,
    SessionBatch,
    SessionLine,
    StateRecord,
    StatusRecord,
)
from datacat_server.model import Session
from datacat_server.store.sqlite import SqliteStore
from datacat_server.store.sqlite.file.connection import FILE_NAME, connect
from datacat_server.store.sqlite.file.problem_backfill import backfill_session
from datacat_server.store.sqlite.folds.search_terms import MOST_VALUES, VALUE, term
from datacat_server.store.sqlite.folds.session_text import write_every_text
from msgspec import Raw

LONG = "the-long-one"
WINDOWS = [f"window {number}" for number in range(19)]
PROBE = "space probe"
SAMPLE = 2_000
"""Sessions that are ingested. All that repeats in them does so within this number."""

ROAMER_EVERY = 40
"""One session in so many has a path with more values than the index of states takes: its log answers for it."""
PLACES = 5_000
"""Values of that path, `position.x`: whole numbers from 0 up. Each roamer has been at POSITIONS of them."""
POSITIONS = MOST_VALUES + 5

_SESSIONS_AT_ONCE = 50
_EVENTS_AT_ONCE = 5_000
MICROSECONDS_APART = 60_000_000
"""From the begin of a session to that of the next."""
_NAMES = [f"event {number}" for number in range(40)]
_LEVELS = ["debug"] + ["info"] * 7 + ["warning", "error"]

# The columns that are another thing in a copy: a number of its own, a later time. Tables in the order of writing.
_SESSION, _TIME = "session + :sessions", "time + :later"
_CHANGED: dict[str, dict[str, str]] = {
    "sessions": {
        "id": "id + :sessions",
        "session_id": "printf('session-%06d', substr(session_id, 9) + :sessions)",
        "pid": "pid + :sessions",
        "version": ":version",
        **{name: f"{name} + :later" for name in ("created", "updated", "ended", "last_heartbeat")},
    },
    "events": {"id": "NULL", "session": _SESSION, "time": _TIME},
    "state_changes": {
        "session": _SESSION,
        "time": _TIME,
        "patch": "iif(seq = 0, json_set(patch, '$.version', :version), patch)",
    },
    "snapshots": {"session": _SESSION, "state": "json_set(state, '$.version', :version)"},
    "series": {"id": "id + :series", "session": _SESSION, "last_time": "last_time + :later"},
    "points": {"series": "series + :series", "time": _TIME},
    "verdicts": {"session": _SESSION, "time": _TIME},
    "alerts": {"id": "NULL", "session": _SESSION, "time": _TIME},
    "postings": {"session": _SESSION, "term": "iif(term = :term_of_sample, :term, term)"},
    "overflows": {"session": _SESSION},
    "past_values": {"session": _SESSION},
    "event_counts": {"session": _SESSION},
}


@dataclass(frozen=True)
class Size:
    """How much there is: sessions, records of all of them, events of the longest; when it begins, in microseconds."""

    sessions: int = 100_000
    records: int = 10_000_000
    longest: int = 1_000_000
    begin: int = START

    @property
    def each(self) -> int:
        """Records of a session other than the longest, without the positions of a roamer."""
        positions = self.sessions // ROAMER_EVERY * POSITIONS
        return (self.records - self.longest - positions) // self.sessions


def make(kept: Path, size: Size) -> tuple[Path, float | None]:
    """The folder, in one where it is kept; the seconds that filling took, or None where it was filled before.

    Raises RuntimeError where a copy came out wrong.
    """
    folder = kept / f"{size.sessions}-{size.records}-{size.longest}-{_contents()}"
    mark = folder / "filled"
    if mark.exists():
        return folder, None
    shutil.rmtree(kept, ignore_errors=True)  # half filled, or of other tables
    kept.mkdir(mode=0o700)
    begin = time.perf_counter()
    with closing(SqliteStore(folder)) as store:
        _fill_sample(store, size)
    with closing(connect(folder / FILE_NAME)) as db:
        _multiply(db, size)
    with closing(SqliteStore(folder)) as store:
        _fill_long(store, size)
    with closing(connect(folder / FILE_NAME)) as db:
        _check_folds(db, size)
    seconds = time.perf_counter() - begin
    _check_copies(folder, size)
    mark.touch()
    return folder, seconds


def _contents() -> str:
    """What is another for other tables, and for other sessions."""
    migrations = files("datacat_server.store.sqlite.file") / "migrations"
    texts = sorted(entry.read_text() for entry in migrations.iterdir() if entry.name.endswith(".sql"))
    texts.append(Path(__file__).read_text())
    return f"{zlib.crc32(''.join(texts).encode()):08x}"


def _fill_sample(store: SqliteStore, size: Size) -> None:
    for first in range(0, SAMPLE, _SESSIONS_AT_ONCE):
        store.ingest([_session(number, size) for number in range(first, first + _SESSIONS_AT_ONCE)])


def _fill_long(store: SqliteStore, size: Size) -> None:
    header = SessionLine(id=LONG, product="Game 0", version="1.0", time=size.begin)
    chosen = random.Random(1)
    for first in range(0, size.longest, _EVENTS_AT_ONCE):
        records = list(_events(chosen, size.begin + first * 10_000, _EVENTS_AT_ONCE, 10_000))
        store.ingest([SessionBatch(LONG, header=header, records=records)])


def _multiply(db: sqlite3.Connection, size: Size) -> None:
    """Copy the sample, block after block. Should the machine fail meanwhile, the folder is worth nothing anyway."""
    db.execute("PRAGMA synchronous = OFF")
    db.execute("PRAGMA cache_size = -200000")
    last = {table: _last(db, table, changed) for table, changed in _CHANGED.items()}
    for block in range(1, size.sessions // SAMPLE):
        sessions = block * SAMPLE
        version = _version(sessions, size)
        values = {
            "sessions": sessions,
            "later": sessions * MICROSECONDS_APART,
            "version": version,
            "series": block * last["series"],
            "term": _term(db, version),
            "term_of_sample": _term(db, _version(0, size)),
        }
        db.execute("BEGIN")
        for table, changed in _CHANGED.items():
            _copy(db, table, changed, {**values, "last": last[table]})
        for number in range(sessions + 1, sessions + SAMPLE + 1):
            backfill_session(db, number)
        db.execute("COMMIT")
    db.execute("BEGIN")
    write_every_text(db)
    db.execute("COMMIT")
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _key(changed: dict[str, str]) -> str:
    """The column whose first values are those of the sample; it is indexed."""
    return next(name for name in ("id", "series", "session") if name in changed)


def _last(db: sqlite3.Connection, table: str, changed: dict[str, str]) -> int:
    last: int = db.execute(f"SELECT coalesce(max({_key(changed)}), 0) FROM {table}").fetchone()[0]
    return last


def _copy(db: sqlite3.Connection, table: str, changed: dict[str, str], values: dict[str, object]) -> None:
    columns = [name for (name,) in db.execute("SELECT name FROM pragma_table_info(?)", (table,))]
    chosen, key = ", ".join(changed.get(name, name) for name in columns), _key(changed)
    db.execute(
        f"INSERT INTO {table} ({', '.join(columns)}) SELECT {chosen} FROM {table} WHERE {key} <= :last ORDER BY {key}",
        values,
    )


def _term(db: sqlite3.Connection, version: str) -> int:
    """The number of the term that a session of a version has."""
    path, kind, text = term(("version",), VALUE, version)
    db.execute("INSERT OR IGNORE INTO terms (path, kind, text) VALUES (?, ?, ?)", (path, kind, text))
    query = "SELECT id FROM terms WHERE path = ? AND kind = ? AND text = ?"
    number: int = db.execute(query, (path, kind, text)).fetchone()[0]
    return number


def _check_folds(db: sqlite3.Connection, size: Size) -> None:
    """What is folded across sessions against the tables. Raises RuntimeError."""
    crashed = "SELECT count(*) FROM sessions WHERE crashed = 1"
    expected: dict[str, int | str] = {
        "SELECT count(*) FROM sessions": size.sessions // SAMPLE * SAMPLE + 1,
        "SELECT sum(sessions) FROM releases": "SELECT count(*) FROM sessions",
        "SELECT sum(sessions) FROM release_days": "SELECT count(*) FROM sessions",
        "SELECT sum(crashed) FROM releases": crashed,
        "SELECT count(*) FROM problem_sessions": crashed,
        "SELECT sum(count) FROM problems": crashed,
        "SELECT sum(count) FROM problem_days": crashed,
        "SELECT sum(count) FROM problem_machines": crashed,
        "SELECT sum(count) FROM event_counts": "SELECT sum(event_count) FROM sessions",
        "SELECT count(*) FROM events": "SELECT sum(event_count) FROM sessions",
        "SELECT sum(debug + info + warning + error + critical) FROM timeline_buckets": size.longest,
        "SELECT count(*) FROM points": "SELECT sum(count) FROM series",
        "SELECT count(*) FROM session_texts": "SELECT count(*) FROM sessions",
        "SELECT count(*) FROM postings JOIN terms ON id = term WHERE text = '\"space probe\"'": (
            "SELECT (count(*) - 1) / 10 FROM sessions"
        ),
        "SELECT count(*) FROM overflows": size.sessions // SAMPLE * (SAMPLE // ROAMER_EVERY),
        "SELECT sum(length(digests)) / 8 FROM past_values": f"SELECT count(*) * {POSITIONS} FROM overflows",
    }
    for question, answer in expected.items():
        found = db.execute(question).fetchone()[0]
        right = answer if isinstance(answer, int) else db.execute(answer).fetchone()[0]
        if found != right:
            raise RuntimeError(f"{question}: {found}, and not {right}")


def _check_copies(folder: Path, size: Size) -> None:
    """Some copies against the same sessions, ingested. Raises RuntimeError."""
    last = size.sessions // SAMPLE * SAMPLE - 1
    with (
        tempfile.TemporaryDirectory(prefix="datacat-bench-") as other,
        closing(SqliteStore(folder)) as copied,
        closing(SqliteStore(Path(other) / "data")) as ingested,
    ):
        for number in (last, last - 12, last - 38, SAMPLE):  # the second one has crashed, the third is a roamer
            batch = _session(number, size)
            ingested.ingest([batch])
            here, there = copied.session(batch.id), ingested.session(batch.id)
            if here != there or copied.sessions(_alike(there)).total != 1:
                raise RuntimeError(f"{batch.id} is another one than when it is ingested")


def _alike(session: Session) -> Filter:
    """What finds a session by all that it can be found by."""
    been = [StateCondition(("position", "x"), Relation.WAS, x) for x in session.state.get("position", {}).values()]
    return Filter(
        product=session.product,
        version=session.version,
        machine=session.hostname,
        status=session.status,
        start=session.created_at,
        q=session.id,
        state=(
            StateCondition(("version",), Relation.IS, session.version),
            StateCondition(("level",), Relation.WAS, session.state["level"]),
            StateCondition(("window_state", "open"), Relation.IS, session.state["window_state"]["open"]),
            *been,
        ),
    )


def _version(number: int, size: Size) -> str:
    """Twelve of them, one after the other."""
    return f"1.{number // SAMPLE * SAMPLE * 12 // size.sessions}"


def _session(number: int, size: Size) -> SessionBatch:
    """One in ten has had the space probe open; four of five have ended, one in twenty has crashed.

    Roamers are of one product, `Game 1`, and of every version.
    """
    place = number % SAMPLE
    chosen = random.Random(place)
    begin = size.begin + number * MICROSECONDS_APART
    header = SessionLine(
        id=f"session-{number:06}",
        product=f"Game {place % 5}",
        version=_version(number, size),
        time=begin,
        machine_id=f"machine-{place % 500}",
        hostname=f"host-{place % 500}",
        pid=1000 + number,
        last_heartbeat=begin + 3_000_000_000,
    )
    windows = chosen.sample(WINDOWS, 3) + ([PROBE] if place % 10 == 0 else [])
    said: list[Record] = [
        StateRecord(time=begin, state={"window_state": {"open": windows}, "level": place % 25, "player": {"lives": 3}}),
        *_events(chosen, begin, size.each - 6, 1_000_000),
        *(
            MetricRecord(time=begin + at * 1_000_000, name="memory_usage", value=chosen.uniform(100, 4_000), unit="MB")
            for at in (1, 2, 3)
        ),
        StateRecord(time=begin + 5_000_000, state={"window_state": {"open": windows[:2]}}),
    ]
    if place % ROAMER_EVERY == 1:
        said += [
            StateRecord(time=begin + at * 400_000, state={"position": {"x": (place * 37 + at * 3) % PLACES}})
            for at in range(POSITIONS)
        ]
    if place % 20 == 7:
        crash = {"kind": "exception", "exception_type": f"Error{place % 50}", "exception_msg": "went wrong"}
        said.append(StatusRecord(time=begin + 90_000_000, status="crashed", reason="an exception", data=crash))
    elif place % 5:
        said.append(StatusRecord(time=begin + 90_000_000, status="ended", data={"exit_code": 0}))
    return SessionBatch(header.id, header=header, records=said, heartbeat=header.last_heartbeat)


def _events(chosen: random.Random, begin: int, count: int, apart: int) -> Iterator[Record]:
    for number in range(count):
        yield EventRecord(
            time=begin + number * apart,
            name=_NAMES[number * 7 % len(_NAMES)],
            level=_LEVELS[chosen.randrange(len(_LEVELS))],
            category="play",
            data=Raw(b'{"x":%d,"y":20}' % number),
        )
