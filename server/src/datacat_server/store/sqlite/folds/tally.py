"""What one session counts in release health and in problems: remembered by the writer, kept in `problem_sessions`.

An exception that nothing caught comes twice: it is logged, and the session has crashed by it. It is taken back, and
counts as the crash. Which one it is, the events in the tables say (`uncaught`), whatever came first.
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
from datacat_server.store.sqlite.folds.problem_totals import Share, add, take
from datacat_server.store.sqlite.folds.releases import DAY, Counted, read_counted, recount
from datacat_server.store.sqlite.folds.uncaught import (
    TOLD_BY_EVENTS,
    crash_verdict,
    exceptions_from,
    last_output,
    uncaught_by,
)

MOST_PROBLEMS = 200
"""Exceptions of one session that would be a further problem are not grouped."""

_MOST_CAUSES = 2_000
_MOST_DAYS = 1_000
_LONGEST_MESSAGE = 300
_WEIGHT_OF_SIGHTING = 3_000

T = TypeVar("T")
Placed = tuple[int, T]

_encode = msgspec.json.Encoder().encode
_days = msgspec.json.Decoder(dict[int, int])
_object = msgspec.json.Decoder(dict[str, Any])


@dataclass(slots=True)
class Sighting:
    """What a session counts in one problem (migrations/0006.sql). `stored_as`: the id of the problem in the tables.

    `time`, `message` and `source` are of what came last by its own time, also where that was taken back as the crash;
    `first_before` and `last_before` are of all others, 0 for none. Of a crash, `first_before` is the time of the
    exception that was taken back for it, 0 for none.
    `added` and `added_days` have not been written yet; `lessened`: nor has something that was taken back.
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
    lessened: bool = False

    def see(self, time: int, message: str | None, source: int) -> None:
        """It happened once more; not always after what is known already."""
        if time >= self.time:
            self.first_before, self.last_before = (self.first, self.last) if self.count else (0, 0)
            self.time, self.source = time, source
            self.message = message and message[:_LONGEST_MESSAGE]
        else:
            self.first_before = min(self.first_before, time) if self.last_before else time
            self.last_before = max(self.last_before, time)
        self.first = min(self.first, time) if self.count else time
        self.last = max(self.last, time) if self.count else time
        self._count(time, 1)

    def drop(self) -> None:
        """Nothing of it holds any more."""
        for day, count in self.days.items():
            self.added_days[day] = self.added_days.get(day, 0) - count
        self.added -= self.count
        self.count, self.days, self.time, self.changed, self.lessened = 0, {}, 0, True, True

    def take_back(self, time: int) -> None:
        """What was seen at a time was something else."""
        if time == self.time:
            self.first, self.last = self.first_before, self.last_before
        self._count(time, -1)
        self.lessened = True

    def begin_at(self, time: int) -> None:
        """What was taken back was the first; what came after it came then."""
        self.first = time
        self.first_before, self.last_before = (time, self.last_before) if self.count > 1 else (0, 0)

    def _count(self, time: int, step: int) -> None:
        day = time // DAY
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
    """What a session is counted as, and what it counts, by kind and cause.

    `crash`: the verdict of a crash whose cause is not looked for yet; `in_doubt`: events have come to one that was.
    """

    counted: Counted | None = None
    sightings: dict[tuple[str, str], Sighting] = field(default_factory=dict)
    crash: StatusRecord | None = None
    in_doubt: bool = False
    roots: tuple[str, ...] = ()

    @property
    def weight(self) -> int:
        """About how much memory it takes, in bytes."""
        return _WEIGHT_OF_SIGHTING * len(self.sightings)

    def take(
        self,
        exceptions: Sequence[Placed[EventRecord]],
        verdicts: Sequence[Placed[StatusRecord]],
        facts: str,
        *,
        more_events: bool,
    ) -> None:
        """Take in what a batch brings, in its order: each with its place, a verdict with that of the event after it.

        `facts`: those of the session, as JSON. `more_events`: whether there are any, exceptions or not.
        """
        self.in_doubt = more_events and self.counted is not None and self.counted.crashed
        if not (exceptions or verdicts or self.in_doubt):
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
            self.crash = record

    def close(self, db: sqlite3.Connection, session: int, *, crashed: bool) -> None:
        """What of a batch needs the session's events, which are in the tables by now. `crashed`: what came of it."""
        record, self.crash = self.crash, None
        if not crashed:
            self.drop_crash()
            return
        if record is None and self.in_doubt and (known := self._known_crash()) is not None:
            record = crash_verdict(db, session, known.last)
            if record is not None and (record.data or {}).get("kind") not in TOLD_BY_EVENTS:
                record = None
        self.in_doubt = False
        if record is not None:
            self._crashed_by(db, session, record)

    def hold(self, db: sqlite3.Connection, session: int, now: Counted) -> None:
        """What `write_tally` does at the end of a batch, of a session that is not counted yet: nothing is written."""
        self.close(db, session, crashed=now.crashed)
        self.counted = now
        self.sightings = {key: sighting for key, sighting in self.sightings.items() if sighting.count}

    def release(self) -> None:
        """What was held is to be counted, all of it, by the next `write_tally`."""
        self.counted = None

    def drop_crash(self) -> None:
        """The session has not crashed, or for another reason than was said."""
        if (known := self._known_crash()) is None:
            return
        if known.first_before:
            logged = Sighting(EXCEPTION, known.cause, known.type, known.culprit, known.frames)
            if (sighting := self._kept(logged)) is not None:
                sighting.see(known.source, known.message, known.source)
        known.drop()

    def _known_crash(self) -> Sighting | None:
        return next((one for one in self.sightings.values() if one.kind == CRASH and one.count), None)

    def _crashed_by(self, db: sqlite3.Connection, session: int, record: StatusRecord) -> None:
        """Count the crash as what it is by the events that there are now, if it is not counted so already."""
        uncaught = uncaught_by(db, session, record)
        if uncaught is not None:
            cause = _cause_of(uncaught, self.roots)
            source, message = uncaught.time, uncaught.exception_msg or None
        else:
            output = last_output(db, session, record.time)
            cause = fingerprint.of_crash(record.data or {}, given_reason(record), output, self.roots)
            source, message = record.time, reason_of(record)
        known = self._known_crash()
        if known is not None and (known.cause, known.source) == (cause.key, source):
            return
        self.drop_crash()
        crash = self.sightings.setdefault((CRASH, cause.key), _sighting(CRASH, cause))
        crash.see(record.time, message, source)
        crash.first_before = crash.last_before = 0
        logged = self.sightings.get((EXCEPTION, cause.key))
        if uncaught is not None and logged is not None and logged.count:
            logged.take_back(source)
            if logged.count and logged.first == source < logged.time:
                later = exceptions_from(db, session, source, uncaught.exception_type)
                same = [one.time for one in later if _cause_of(one, self.roots).key == cause.key][1:2]
                logged.begin_at(same[0] if same else logged.time)
            crash.first_before = source

    def _see(self, kind: str, cause: Cause, time: int, message: str | None) -> None:
        sighting = self.sightings.get((kind, cause.key)) or self._kept(_sighting(kind, cause))
        if sighting is not None:
            sighting.see(time, message, time)

    def _kept(self, sighting: Sighting) -> Sighting | None:
        """The sighting of this kind and cause; this one, where there was none and it is not one too many."""
        key = (sighting.kind, sighting.cause)
        if key in self.sightings or len(self.sightings) >= MOST_PROBLEMS:
            return self.sightings.get(key)
        crash = self.sightings.get((CRASH, sighting.cause))
        if sighting.kind == EXCEPTION and crash is not None and crash.first_before:
            # The only one so far was taken back as the crash; what comes now may be older.
            sighting.time, sighting.source, sighting.message = crash.source, crash.source, crash.message
        self.sightings[key] = sighting
        return sighting


def _sighting(kind: str, cause: Cause) -> Sighting:
    return Sighting(kind, cause.key, cause.type, cause.culprit, _encode(cause.frames).decode())


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


def write_tally(db: sqlite3.Connection, session: int, tally: Tally, now: Counted) -> tuple[list[str], list[str]]:
    """Bring the tables up to date with what a session counts; its row in `sessions` and its events are written.

    The ids of the problems that are new with this, or have come back, and of those that the session no longer has.
    """
    opened, left = [], []
    tally.close(db, session, crashed=now.crashed)
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
        elif not sighting.lessened:
            _write_row(db, session, sighting, problem, now)
            days = {day: count for day, count in sighting.added_days.items() if count}
            news = add(db, Share(problem, now, sighting.added, 0, days, sighting.first, sighting.last))
        else:
            news = _count_less(db, session, sighting, old, now)
        if news:
            opened.append(problem)
        if old is not None and (old != problem or not sighting.count):
            left.append(old)
        sighting.stored_as = problem
        sighting.added, sighting.added_days, sighting.changed, sighting.lessened = 0, {}, False, False
        if not sighting.count:
            del tally.sightings[sighting.kind, sighting.cause]
    return opened, left


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


def _count_less(db: sqlite3.Connection, session: int, sighting: Sighting, problem: str, now: Counted) -> bool:
    """Something was taken back; there may be more of it all the same."""
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
