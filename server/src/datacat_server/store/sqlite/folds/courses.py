"""The course of a long series: how many readings there were in each stretch of time, the least and the greatest.

Kept as they come in, like timelines: at most MOST_STRETCHES stretches of 2**shift microseconds, which become twice as
long when there are more. Peaks and dips stay, however much is left out between. A short series has none.
"""

import sqlite3
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from datacat_server.store.sqlite.folds.metrics import Fold, Point
from datacat_server.store.sqlite.rows.doubling import doublings

FOLDED_FROM = 2_000
"""A series with fewer readings has no stretches."""
MOST_STRETCHES = 1_024

Reading = tuple[float, int, int]
"""Value, time in microseconds, seq."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """The readings of one stretch: how many, of how many iterations, and the least and the greatest."""

    count: int
    iterations: int
    least: Reading
    greatest: Reading

    def joined(self, other: "Stretch") -> "Stretch":
        return Stretch(
            self.count + other.count,
            self.iterations + other.iterations,
            min(self.least, other.least),
            max(self.greatest, other.greatest),
        )


@dataclass(frozen=True, slots=True)
class Course:
    """Stretches by place."""

    shift: int
    stretches: dict[int, Stretch]

    def thinned(self, most: int) -> "Course":
        """The same in at most `most` stretches."""
        if not (times := doublings(self.stretches, most)):
            return self
        wider: dict[int, Stretch] = {}
        for place, stretch in self.stretches.items():
            _join(wider, place >> times, stretch)
        return Course(self.shift + times, wider)


def fold_points(
    db: sqlite3.Connection, courses: dict[int, int], folds: Collection[Fold], points: Iterable[Point]
) -> None:
    """Take in the points that a batch has added, which are in the tables by now.

    `courses`: the shifts that the writer remembers, by series.
    """
    long = {fold.row for fold in folds if fold.points >= FOLDED_FROM}
    if not long:
        return
    for series in [series for series in long if series not in courses]:
        found = db.execute("SELECT shift FROM courses WHERE series = ?", (series,)).fetchone()
        if found is None:
            courses[series] = build_course(db, series)
            long.remove(series)
        else:
            courses[series] = found[0]
    for series, stretches in _added(points, {series: courses[series] for series in long}).items():
        if _add(db, series, stretches):
            courses[series] = _widen(db, series)


def build_course(db: sqlite3.Connection, series: int) -> int:
    """Make the stretches of a series that has none, from its points; their shift."""
    course = _gathered(db.execute("SELECT time, seq, value, count FROM points WHERE series = ?", (series,)))
    _replace(db, series, course)
    return course.shift


def build_courses(db: sqlite3.Connection, session: int) -> None:
    """Make the courses of a session's series that are long enough and have none."""
    long = db.execute("SELECT id FROM series WHERE session = ? AND points >= ?", (session, FOLDED_FROM)).fetchall()
    for (series,) in long:
        build_course(db, series)


def is_sound(db: sqlite3.Connection, series: int) -> bool:
    """Whether the stretches of a series are what its points come to, gathered anew."""
    stored = _stored(db, series)
    points = db.execute("SELECT time, seq, value, count FROM points WHERE series = ?", (series,))
    if stored is None:
        return len(points.fetchmany(FOLDED_FROM)) < FOLDED_FROM
    stretches: dict[int, Stretch] = {}
    for time, *reading in points:
        _join(stretches, time >> stored.shift, _alone(time, *reading))
    return stretches == stored.stretches


def clear_courses(db: sqlite3.Connection, session: int) -> None:
    """Remove the courses of a session's series."""
    for table in ("courses", "course_stretches"):
        db.execute(f"DELETE FROM {table} WHERE series IN (SELECT id FROM series WHERE session = ?)", (session,))


def read_course(db: sqlite3.Connection, series: int, points: int) -> tuple[list[tuple[int, float]], int]:
    """At most `points` readings of a series as (microseconds, value): the least and the greatest of each stretch.

    And the iterations that all readings were.
    """
    course = _stored(db, series)
    if course is None:
        course = _gathered(db.execute("SELECT time, seq, value, count FROM points WHERE series = ?", (series,)))
    iterations = sum(stretch.iterations for stretch in course.stretches.values())
    stretches = course.thinned(max(1, points // 2)).stretches.values()
    extremes = {end for stretch in stretches for end in (stretch.least, stretch.greatest)}
    return [(time, value) for value, time, _ in sorted(extremes, key=lambda end: end[1:])], iterations


_COLUMNS = "stretch, count, iterations, least, least_time, least_seq, greatest, greatest_time, greatest_seq"
_WRITE = f"INSERT OR REPLACE INTO course_stretches (series, {_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"


def _added(points: Iterable[Point], shifts: dict[int, int]) -> dict[int, dict[int, Stretch]]:
    """The stretches of points, by series; only of the series whose shifts are given."""
    readings: dict[tuple[int, int], list[Reading]] = {}
    more: dict[tuple[int, int], int] = {}
    # This runs for every point that comes in.
    for series, time, seq, value, count, _ in points:
        if (shift := shifts.get(series)) is not None:
            place = series, time >> shift
            if place in readings:
                readings[place].append((value, time, seq))
            else:
                readings[place] = [(value, time, seq)]
            if count is not None:
                more[place] = more.get(place, 0) + count - 1
    added: dict[int, dict[int, Stretch]] = {}
    for (series, at), some in readings.items():
        stretch = Stretch(len(some), len(some) + more.get((series, at), 0), min(some), max(some))
        added.setdefault(series, {})[at] = stretch
    return added


def _alone(time: int, seq: int, value: float, count: int | None) -> Stretch:
    reading = (value, time, seq)
    return Stretch(1, 1 if count is None else count, reading, reading)


def _join(stretches: dict[int, Stretch], place: int, stretch: Stretch) -> None:
    other = stretches.get(place)
    stretches[place] = stretch if other is None else other.joined(stretch)


def _gathered(points: Iterable[tuple[int, int, float, int | None]]) -> Course:
    """The course of readings, as (time, seq, value, count)."""
    course = Course(0, {})
    for time, seq, value, count in points:
        _join(course.stretches, time >> course.shift, _alone(time, seq, value, count))
        if len(course.stretches) > MOST_STRETCHES:
            course = course.thinned(MOST_STRETCHES // 2)
    return course


def _stored(db: sqlite3.Connection, series: int) -> Course | None:
    found = db.execute("SELECT shift FROM courses WHERE series = ?", (series,)).fetchone()
    if found is None:
        return None
    rows = db.execute(f"SELECT {_COLUMNS} FROM course_stretches WHERE series = ?", (series,))
    return Course(found[0], {row[0]: _stretch(row[1:]) for row in rows})


def _stretch(row: tuple[int, int, float, int, int, float, int, int]) -> Stretch:
    return Stretch(row[0], row[1], row[2:5], row[5:8])


def _row(series: int, place: int, stretch: Stretch) -> tuple[float, ...]:
    return series, place, stretch.count, stretch.iterations, *stretch.least, *stretch.greatest


def _add(db: sqlite3.Connection, series: int, stretches: dict[int, Stretch]) -> bool:
    """Join stretches to those in the table; whether there are too many now."""
    new = 0
    rows = []
    for place, stretch in stretches.items():
        found = db.execute(
            f"SELECT {_COLUMNS} FROM course_stretches WHERE series = ? AND stretch = ?", (series, place)
        ).fetchone()
        new += found is None
        rows.append(_row(series, place, stretch if found is None else _stretch(found[1:]).joined(stretch)))
    db.executemany(_WRITE, rows)
    if not new:
        return False
    count: int = db.execute("SELECT count(*) FROM course_stretches WHERE series = ?", (series,)).fetchone()[0]
    return count > MOST_STRETCHES


def _widen(db: sqlite3.Connection, series: int) -> int:
    """Halve the stretches; their shift then."""
    course = _stored(db, series)
    assert course is not None  # it was added to
    course = course.thinned(MOST_STRETCHES // 2)
    _replace(db, series, course)
    return course.shift


def _replace(db: sqlite3.Connection, series: int, course: Course) -> None:
    db.execute("INSERT OR REPLACE INTO courses VALUES (?, ?)", (series, course.shift))
    db.execute("DELETE FROM course_stretches WHERE series = ?", (series,))
    db.executemany(_WRITE, [_row(series, place, stretch) for place, stretch in course.stretches.items()])
