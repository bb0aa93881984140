"""A product's versions over time, as columns of days and as lines, in boxes of SVG."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from datacat_server import wording
from datacat_server.store.releases import ReleaseDay, ReleaseHistory, VersionCourse

WIDTH, HEIGHT = 600, 120
MOST_COLUMNS = 92
OTHERS = "others"
LEAST_DRAWN = 10
"""Of fewer sessions than this a rate is told, but not drawn: one crash would be a landslide."""
_STEPS = ((1, "day", 7), (7, "week", 1), (28, "four weeks", 1))
"""Days of a column, what it is called, and over how many of them a rate is taken: a day alone has few sessions."""
_FLOORS = (98.0, 95.0, 90.0, 75.0, 50.0, 0.0)


@dataclass
class Counts:
    """The sessions that began in a column, and how many of them have crashed or hung."""

    sessions: int = 0
    crashed: int = 0
    hung: int = 0

    def add(self, day: ReleaseDay) -> None:
        self.sessions += day.sessions
        self.crashed += day.crashed
        self.hung += day.hung


@dataclass(frozen=True)
class Part:
    """What one version is of a column: `y` and `height` in the box."""

    version: str
    y: float
    height: float


@dataclass(frozen=True)
class Column:
    """A stretch of days: its place, what is stacked in it, and in words what each chart says there."""

    x: float
    width: float
    name: str
    parts: list[Part]
    adoption: str
    crash_free: str
    hang_free: str


@dataclass(frozen=True)
class Rate:
    """A rate's course as a path, and what of it is no line: where nothing is before and after it."""

    line: str
    dots: str


@dataclass(frozen=True)
class Line:
    """A version's rates over time."""

    version: str
    crash_free: Rate
    hang_free: Rate


@dataclass(frozen=True)
class Figures:
    """A version's numbers by column, the newest first: name of the column, its counts, and all sessions in it."""

    course: VersionCourse
    rows: list[tuple[str, Counts, int]]


@dataclass(frozen=True)
class Drawn:
    """The charts. `unit`: what a column is; `over`: of how many columns up to each one the rates are.

    `crash_floor`, `hang_floor`: percent at the lower edge of either rate's chart.
    """

    unit: str
    over: int
    columns: list[Column]
    lines: list[Line]
    figures: list[Figures]
    others: bool
    crash_floor: float
    hang_floor: float

    @property
    def has_rates(self) -> bool:
        """Whether any rate is of enough sessions to be drawn."""
        return any(one.crash_free.line or one.crash_free.dots for one in self.lines)


@dataclass
class _Grid:
    """Columns of `step` days each from `first` to `last`; the first one may be cut short."""

    first: date
    last: date
    step: int
    unit: str
    columns: int = field(init=False)

    def __post_init__(self) -> None:
        self.columns = -(-((self.last - self.first).days + 1) // self.step)

    def at(self, day: date) -> int:
        """The column of a day. They are counted from the last, which is whole."""
        return self.columns - 1 - (self.last - day).days // self.step

    def name(self, at: int) -> str:
        end = self.last - timedelta(days=(self.columns - 1 - at) * self.step)
        begin = max(self.first, end - timedelta(days=self.step - 1))
        return f"{begin}" if begin == end else f"{begin} to {end}"

    def counts(self, days: Iterable[ReleaseDay]) -> list[Counts]:
        found = [Counts() for _ in range(self.columns)]
        for day in days:
            found[self.at(day.day)].add(day)
        return found


def draw(history: ReleaseHistory) -> Drawn:
    """The charts of what a product's history says."""
    length = (history.last - history.first).days + 1
    step, unit, over = next((one for one in _STEPS if length <= one[0] * MOST_COLUMNS), _STEPS[-1])
    grid = _Grid(history.first, history.last, step, unit)
    totals = grid.counts(history.days)
    courses = [(course, grid.counts(course.days)) for course in history.courses]
    rates = [(course.version, _over(some, over)) for course, some in courses]
    crash_floor = floor(
        100 - 100 * one.crashed / one.sessions for _, some in rates for _, one in _there(some, LEAST_DRAWN)
    )
    hang_floor = floor(100 - 100 * one.hung / one.sessions for _, some in rates for _, one in _there(some, LEAST_DRAWN))
    return Drawn(
        unit=unit,
        over=over,
        columns=[
            _column(
                grid,
                at,
                total,
                [(course.version, some[at]) for course, some in courses if some[at].sessions],
                [(version, some[at]) for version, some in rates if some[at].sessions],
            )
            for at, total in enumerate(totals)
        ],
        lines=[
            Line(
                version,
                _rate([(at, one.crashed / one.sessions) for at, one in _there(some, LEAST_DRAWN)], grid, crash_floor),
                _rate([(at, one.hung / one.sessions) for at, one in _there(some, LEAST_DRAWN)], grid, hang_floor),
            )
            for version, some in rates
        ],
        figures=[
            Figures(
                course,
                [(grid.name(at), one, totals[at].sessions) for at, one in _there(some)][::-1],
            )
            for course, some in courses
        ],
        others=history.versions > len(history.courses),
        crash_floor=crash_floor,
        hang_floor=hang_floor,
    )


def _there(some: Sequence[Counts], least: int = 1) -> list[tuple[int, Counts]]:
    """The columns in which there are so many sessions, with their places."""
    return [(at, one) for at, one in enumerate(some) if one.sessions >= least]


def _over(some: Sequence[Counts], columns: int) -> list[Counts]:
    """For each column what it and those before it come to, so many columns together."""
    found = []
    for at in range(len(some)):
        window = some[max(0, at + 1 - columns) : at + 1]
        found.append(
            Counts(
                sum(one.sessions for one in window), sum(one.crashed for one in window), sum(one.hung for one in window)
            )
        )
    return found


def _column(
    grid: _Grid, at: int, total: Counts, shown: Sequence[tuple[str, Counts]], rates: Sequence[tuple[str, Counts]]
) -> Column:
    rest = total.sessions - sum(one.sessions for _, one in shown)
    amounts = [(version, one.sessions) for version, one in shown] + ([(OTHERS, rest)] if rest else [])
    parts, top = [], float(HEIGHT)
    for version, sessions in amounts:
        height = HEIGHT * sessions / total.sessions
        top -= height
        parts.append(Part(version, round(top, 2), round(height, 2)))
    step = WIDTH / grid.columns
    return Column(
        x=round(at * step, 2),
        width=round(step - min(2.0, step / 5), 2),
        name=grid.name(at),
        parts=parts,
        adoption=_words(
            f"{wording.shorten(version, 30)}: {wording.percent(100 * sessions / total.sessions)}"
            f" ({wording.number(sessions)} of {wording.count(total.sessions, 'session')})"
            for version, sessions in amounts
        ),
        crash_free=_words(_free(version, one.crashed, one.sessions, "crashed") for version, one in rates),
        hang_free=_words(_free(version, one.hung, one.sessions, "hung") for version, one in rates),
    )


def _free(version: str, bad: int, of: int, verb: str) -> str:
    free = wording.percent(100 - 100 * bad / of)
    return f"{wording.shorten(version, 30)}: {free} ({wording.number(bad)} of {wording.count(of, 'session')} {verb})"


def _words(lines: Iterable[str]) -> str:
    return "\n".join(lines) or "no session began"


def floor(percents: Iterable[float]) -> float:
    """The lower edge of a chart: near enough to the lines for them to be told apart, and always the same few."""
    least = min(percents, default=100.0)
    return next(one for one in _FLOORS if least >= one)


def _rate(points: Sequence[tuple[int, float]], grid: _Grid, floor: float) -> Rate:
    """A line through columns, by column and bad share; broken where one has no session."""
    step = WIDTH / grid.columns
    line, dots, before = "", "", -2
    for place, (at, bad) in enumerate(points):
        x, y = (at + 0.5) * step, HEIGHT * min(1.0, 100 * bad / (100 - floor))
        if before == at - 1:
            line += f"L{x:.1f} {y:.1f}"
        elif place + 1 < len(points) and points[place + 1][0] == at + 1:
            line += f"M{x:.1f} {y:.1f}"
        else:
            dots += f"M{x:.1f} {y:.1f}h0"
        before = at
    return Rate(line, dots)
