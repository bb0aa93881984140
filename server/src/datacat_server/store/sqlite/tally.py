"""What one session counts in release health and in problems: remembered by the writer, kept in `problem_sessions`.

An exception that nothing caught comes twice: it is logged, and then the session has crashed by it. When the verdict
comes, the newest exception of its type that the session has logged is taken back, and counts as the crash.
"""

import sqlite3
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, TypeVar

import msgspec

from datacat_server.ingest.lifecycle import given_reason, reason_of
from datacat_server.ingest.records import EventRecord, StatusRecord
from datacat_server.problems import fingerprint
from datacat_server.problems.fingerprint import CRASH, EXCEPTION, HANG, Cause, problem_id, title
from datacat_server.problems.frames import roots_of
from datacat_server.store.sqlite.problem_totals import Share, add, take
from datacat_server.store.sqlite.releases import DAY, Counted, read_counted, recount

MOST_PROBLEMS = 200
"""Exceptions of one session that would be a further problem are not grouped."""

_MOST_CAUSES = 2_000
_MOST_DAYS = 1_000
_LONGEST_MESSAGE = 300
_LAST_EVENTS = 50
_WEIGHT_OF_SIGHTING = 3_000

T = TypeVar("T")
Placed = tuple[int, T]

_encode = msgspec.json.Encoder().encode
_days = msgspec.json.Decoder(dict[int, int])
_object = msgspec.json.Decoder(dict[str, Any])


@dataclass(slots=True)
class Sighting:
    """What a session counts in one problem (migrations/0006.sql). `stored_as`: the id of the problem in the tables.

    `added` and `added_days` have not been written yet; they are negative where something was taken back.
    """

    kind: str
    cause: str
    type: str
    culprit: str
    frames: str
    stored_as: str | None = None
    count: int = 0
    first: int = 0
    last: int = 0
    days: dict[int, int] = field(default_factory=dict)
    message: str | None = None
    time: int = 0
    first_before: int = 0
    last_before: int = 0
    source: int = 0
    added: int = 0
    added_days: dict[int, int] = field(default_factory=dict)
    changed: bool = False

    def see(self, time: int, message: str | None, source: int) -> None:
        """It happened once more."""
        self.first_before, self.last_before = self.first, self.last
        self.first = min(self.first, time) if self.count else time
        self.last = max(self.last, time) if self.count else time
        self.time, self.source = time, source
        self.message = message and message[:_LONGEST_MESSAGE]
        self._count(1)

    def drop(self) -> None:
        """Nothing of it holds any more."""
        for day, count in self.days.items():
            self.added_days[day] = self.added_days.get(day, 0) - count
        self.added -= self.count
        self.count, self.days, self.changed = 0, {}, True

    def take_back(self) -> None:
        """What was seen last was something else."""
        self.first, self.last = self.first_before, self.last_before
        self._count(-1)

    def _count(self, step: int) -> None:
        day = self.time // DAY
        if day not in self.days and len(self.days) >= _MOST_DAYS:
            day = max(self.days)
        self.count += step
        self.days[day] = self.days.get(day, 0) + step
        if not self.days[day]:
            del self.days[day]
        self.added += step
        self.added_days[day] = self.added_days.get(day, 0) + step
        self.changed = True


@dataclass(slots=True)
class Tally:
    """What a session is counted as, and what it counts, by kind and cause."""

    counted: Counted | None = None
    sightings: dict[tuple[str, str], Sighting] = field(default_factory=dict)
    unclear: StatusRecord | None = None
    roots: tuple[str, ...] = ()

    @property
    def weight(self) -> int:
        """About how much memory it takes, in bytes."""
        return _WEIGHT_OF_SIGHTING * len(self.sightings)

    def take(
        self, exceptions: Sequence[Placed[EventRecord]], verdicts: Sequence[Placed[StatusRecord]], facts: str
    ) -> None:
        """Take in what a batch brings, in its order: each with its place, a verdict with that of the event after it.

        `facts`: those of the session, as JSON.
        """
        if not (exceptions or verdicts):
            return
        self.roots = roots_of(_object.decode(facts))
        placed: list[tuple[int, EventRecord | StatusRecord]] = sorted(
            [*verdicts, *exceptions], key=lambda one: (one[0], isinstance(one[1], EventRecord))
        )
        for _, record in placed:
            if isinstance(record, EventRecord):
                self.exception(record)
            else:
                self.verdict(record)

    def exception(self, record: EventRecord) -> None:
        """An exception was logged."""
        self._see(EXCEPTION, _cause_of(record, self.roots), record.time, record.exception_msg or None)

    def verdict(self, record: StatusRecord) -> None:
        """The session has crashed or hung, or become something else."""
        data = record.data or {}
        if record.status == "hung":
            self._see(HANG, fingerprint.of_hang(data, self.roots), record.time, reason_of(record))
        elif record.status == "crashed":
            self.drop_crash()
            match data.get("kind"):
                case "exception" if (uncaught := self._logged(data.get("exception_type"))) is not None:
                    self._ended_by(uncaught, record.time)
                case "exit" | None:
                    self.unclear = record
                case _:
                    cause = fingerprint.of_crash(data, given_reason(record), roots=self.roots)
                    self._see(CRASH, cause, record.time, reason_of(record))

    def close(self, db: sqlite3.Connection, session: int) -> None:
        """What of a batch needs the session's events, which are in the tables by now."""
        record, self.unclear = self.unclear, None
        if record is None:
            return
        data = record.data or {}
        uncaught = self._just_before(db, session, record.time) if data.get("kind") is None else None
        if uncaught is not None:
            self._ended_by(uncaught, record.time)
        else:
            cause = fingerprint.of_crash(data, given_reason(record), last_output(db, session), self.roots)
            self._see(CRASH, cause, record.time, reason_of(record))

    def drop_crash(self) -> None:
        """The session has not crashed, or for another reason than was said."""
        for sighting in self.sightings.values():
            if sighting.kind == CRASH:
                sighting.drop()

    def _see(self, kind: str, cause: Cause, time: int, message: str | None) -> None:
        known = (kind, cause.key) in self.sightings
        if known or kind == CRASH or len(self.sightings) < MOST_PROBLEMS:
            sighting = Sighting(kind, cause.key, cause.type, cause.culprit, _encode(cause.frames).decode())
            self.sightings.setdefault((kind, cause.key), sighting).see(time, message, time)

    def _logged(self, type_: object) -> Sighting | None:
        """The exception of a type that was logged last."""
        logged = [one for one in self.sightings.values() if one.kind == EXCEPTION and one.count]
        return max((one for one in logged if type_ in (None, one.type)), key=lambda one: one.time, default=None)

    def _just_before(self, db: sqlite3.Connection, session: int, time: int) -> Sighting | None:
        """The exception that was the last event before a crash of which nothing is known."""
        last = self._logged(None)
        if last is None or last.time > time:
            return None
        later = "SELECT 1 FROM events WHERE session = ? AND time > ? AND time <= ? AND name <> ? LIMIT 1"
        found = db.execute(later, (session, last.time, time, "session_crashed_detected")).fetchone()
        return None if found else last

    def _ended_by(self, uncaught: Sighting, time: int) -> None:
        uncaught.take_back()
        crash = Sighting(CRASH, uncaught.cause, uncaught.type, uncaught.culprit, uncaught.frames)
        self.sightings.setdefault((CRASH, crash.cause), crash).see(time, uncaught.message, uncaught.time)


_causes: dict[bytes, Cause] = {}


def _cause_of(record: EventRecord, roots: tuple[str, ...]) -> Cause:
    """The cause of an exception; the same traceback is read once."""
    type_ = record.exception_type or ""
    where = (record.source_file or "", record.source_function or "", *roots)
    text = "\x1e".join((type_, str(len(roots)), *where, *(record.stacktrace or ())))
    key = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
    if (cause := _causes.get(key)) is None:
        if len(_causes) >= _MOST_CAUSES:
            _causes.clear()
        cause = fingerprint.of_exception(type_, record.stacktrace, record.source_file, record.source_function, roots)
        _causes[key] = cause
    return cause


def last_output(db: sqlite3.Connection, session: int) -> list[str]:
    """The last lines that a program under `datacat run` has printed, if they were captured."""
    found = db.execute(
        "SELECT data FROM (SELECT name, data FROM events WHERE session = ? ORDER BY time DESC LIMIT ?)"
        " WHERE name = 'program_finished' AND data IS NOT NULL LIMIT 1",
        (session, _LAST_EVENTS),
    ).fetchone()
    lines = _object.decode(found[0]).get("output_tail") if found else None
    return [line for line in lines if isinstance(line, str)] if isinstance(lines, list) else []


def load_tally(db: sqlite3.Connection, session: int) -> Tally:
    """The tally as `write_tally` left it."""
    tally = Tally(read_counted(db, session))
    for kind, cause, type_, culprit, frames, problem, count, first, last, days, *rest in db.execute(
        "SELECT p.kind, p.cause, p.type, p.culprit, p.frames, s.problem, s.count, s.first, s.last, s.days, s.message,"
        " s.time, s.first_before, s.last_before, s.source"
        " FROM problem_sessions AS s JOIN problems AS p ON p.id = s.problem WHERE s.session = ?",
        (session,),
    ):
        tally.sightings[kind, cause] = Sighting(
            kind, cause, type_, culprit, frames, problem, count, first, last, _days.decode(days), *rest
        )
    return tally


def write_tally(db: sqlite3.Connection, session: int, tally: Tally, now: Counted) -> list[str]:
    """Bring the tables up to date with what a session counts; its row in `sessions` and its events are written.

    The ids of the problems that are new with this, or have come back.
    """
    opened = []
    tally.close(db, session)
    if not now.crashed:
        tally.drop_crash()
    before, tally.counted = tally.counted, now
    if before != now:
        recount(db, before, now)
    moved = before is not None and before[:4] != now[:4]
    for sighting in list(tally.sightings.values()):
        if not (sighting.changed or moved):
            continue
        problem = problem_id(now.product, sighting.kind, sighting.cause)
        old = sighting.stored_as
        if old is None or moved:
            news = _count_anew(db, session, sighting, problem, before, now)
        elif sighting.added > 0:
            _write_row(db, session, sighting, problem, now)
            days = {day: count for day, count in sighting.added_days.items() if count}
            news = add(db, Share(problem, now, sighting.added, 0, days, sighting.first, sighting.last))
        else:
            news = _take_back(db, session, sighting, old, now)
        if news:
            opened.append(problem)
        sighting.stored_as = problem
        sighting.added, sighting.added_days, sighting.changed = 0, {}, False
        if not sighting.count:
            del tally.sightings[sighting.kind, sighting.cause]
    return opened


def remove_tally(db: sqlite3.Connection, session: int, counted: Counted) -> None:
    """A session that is no longer in `sessions` counts nowhere any more."""
    rows = db.execute("SELECT problem, count, days FROM problem_sessions WHERE session = ?", (session,)).fetchall()
    db.execute("DELETE FROM problem_sessions WHERE session = ?", (session,))
    for problem, count, days in rows:
        take(db, Share(problem, counted, count, 1, _days.decode(days)))
    recount(db, counted, None)


def _count_anew(
    db: sqlite3.Connection, session: int, sighting: Sighting, problem: str, before: Counted | None, now: Counted
) -> bool:
    """Count all of a sighting where it belongs now, and no longer where it was; whether the problem is new or back."""
    old, news = sighting.stored_as, False
    if sighting.count:
        news = _open_problem(db, sighting, problem, now.product)
        _write_row(db, session, sighting, problem, now)
        news |= add(db, Share(problem, now, sighting.count, 1, sighting.days, sighting.first, sighting.last))
    if old is not None and before is not None:
        if old != problem or not sighting.count:
            _delete_row(db, session, old)
        days = Counter(sighting.days)
        days.subtract(sighting.added_days)
        take(db, Share(old, before, sighting.count - sighting.added, 1, +days))
    return news


def _take_back(db: sqlite3.Connection, session: int, sighting: Sighting, problem: str, now: Counted) -> bool:
    if sighting.count:
        _write_row(db, session, sighting, problem, now)
    else:
        _delete_row(db, session, problem)
    days = {day: -count for day, count in sighting.added_days.items() if count}
    take(db, Share(problem, now, -sighting.added, 0 if sighting.count else 1, days))
    return False


def _open_problem(db: sqlite3.Connection, sighting: Sighting, problem: str, product: str) -> bool:
    """A row for a problem that is new; `add` counts what is in it. Whether there was none."""
    words = f"{title(sighting.kind, sighting.type, sighting.culprit)} {sighting.culprit}".casefold()
    inserted = db.execute(
        "INSERT INTO problems (id, product, kind, cause, type, culprit, frames, words, count, sessions, machines,"
        " first, last, new_in, status) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, 0, 0, ?, ?, '', 'open')"
        " ON CONFLICT DO NOTHING",
        (problem, product, sighting.kind, sighting.cause, sighting.type, sighting.culprit, sighting.frames, words,
         sighting.first, sighting.last),
    )  # fmt: skip
    return inserted.rowcount > 0


def _write_row(db: sqlite3.Connection, session: int, sighting: Sighting, problem: str, now: Counted) -> None:
    db.execute(
        "INSERT OR REPLACE INTO problem_sessions (session, problem, version, count, first, last, days, message, time,"
        " first_before, last_before, source) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (session, problem, now.version, sighting.count, sighting.first, sighting.last, _encode(sighting.days).decode(),
         sighting.message, sighting.time, sighting.first_before, sighting.last_before,
         sighting.source),
    )  # fmt: skip


def _delete_row(db: sqlite3.Connection, session: int, problem: str) -> None:
    db.execute("DELETE FROM problem_sessions WHERE session = ? AND problem = ?", (session, problem))
