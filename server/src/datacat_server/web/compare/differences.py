"""What differs between sessions, what matters most first, and what they have in common.

The first session is what the others are compared with: `odd` marks each value that is another than its.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec
from msgspec import Raw

from datacat_server import wording
from datacat_server.model import Level, Session, Status
from datacat_server.store.comparison import EventRow, MetricRow, SeriesStatistics, StateRow
from datacat_server.web.compare.lanes import Lane
from datacat_server.web.compare.overlays import title

NEARLY = 0.05
"""Means that are no farther apart are nearly the same."""
SHOWN = 200
"""So many rows of each part are put into the page."""
FEWEST_TELLING = 2
_LONGEST = 120
_LEVELS = list(Level)


@dataclass(frozen=True)
class Cell:
    """What one session has, None for nothing; `note` stands below it. `change`: how far it is from the first's."""

    text: str | None
    odd: bool
    note: str = ""
    change: str = ""


@dataclass(frozen=True)
class Row:
    """A name, what is said beside it, and a cell for each session."""

    name: str
    about: str
    cells: list[Cell]


@dataclass(frozen=True)
class Part:
    """Rows that differ and rows that do not, `alike` says how; `cut`: there are more than were compared.

    `is_code`: its cells are values of a state; `is_number`: they are numbers, with how far they changed. `hidden`: so
    many of those that differ are not in the page.
    """

    key: str
    title: str
    differing: list[Row]
    same: list[Row]
    cut: bool = False
    alike: str = "the same in all"
    is_code: bool = False
    is_number: bool = False
    hidden: int = 0

    @property
    def total(self) -> int:
        return len(self.differing) + self.hidden + len(self.same)


def machines(lanes: Sequence[Lane]) -> Part:
    """What they ran on, and how they went."""
    sessions = [lane.session for lane in lanes]
    told: dict[str, list[str | None]] = {
        "status": [session.status.value for session in sessions],
        "reason": [session.reason for session in sessions],
        "machine": [session.hostname or session.machine_id for session in sessions],
        "lived": [wording.duration(lane.seconds) for lane in lanes],
        "events": [wording.number(session.event_count) for session in sessions],
        "exceptions": [wording.number(session.exception_count) for session in sessions],
        "dropped or lost": [wording.number(session.dropped_count + session.lost_count) for session in sessions],
    }
    for key in dict.fromkeys(key for session in sessions for key in session.facts):
        told[key] = [_fact(session, key) for session in sessions]
    rows = [Row(name, "", _cells(values)) for name, values in told.items() if any(values)]
    return _part("process", "Process and machine", rows)


def states(rows: Sequence[StateRow], *, cut: bool) -> Part:
    """Places in the states at the end, with their values as JSON; texts without their quotes."""
    made = [Row(row.path, "", _cells([_plain(value) for value in row.values])) for row in rows]
    return replace(_part("state", "State at the end", made, is_code=True), cut=cut)


def metrics(rows: Sequence[MetricRow], *, cut: bool) -> Part:
    """The application's metrics: those that are farthest apart first."""
    return _metrics("metrics", "Metrics", [row for row in rows if not row.vital], cut=cut)


def sampled(rows: Sequence[MetricRow]) -> Part:
    """What DataCat sampled by itself."""
    return _metrics("vitals", "Vitals", [row for row in rows if row.vital], cut=False)


def _metrics(key: str, title_of_part: str, rows: Sequence[MetricRow], *, cut: bool) -> Part:
    """Means, of counters totals, with how far each is from that of the first session."""
    differing, same = [], []
    for row in rows:
        about = [] if row.vital else [row.type]
        made = Row(title(row), " ".join([*about, *row.tags]), _of_metric(row))
        apart = _apart(row)
        if apart > NEARLY:
            differing.append((apart, made))
        else:
            same.append(made)
    differing.sort(key=lambda one: -one[0])
    return Part(
        key,
        title_of_part,
        [row for _, row in differing[:SHOWN]],
        same[:SHOWN],
        cut=cut,
        alike=f"nearly the same in all, within {NEARLY * 100:.0f}\u202f%",
        is_number=True,
        hidden=max(0, len(differing) - SHOWN),
    )


def events(rows: Sequence[EventRow], *, cut: bool) -> Part:
    """How often each was logged; the worst levels first, then those whose counts are farthest apart."""
    ordered = sorted(
        rows, key=lambda row: (-_LEVELS.index(Level(row.level)), min(row.counts) - max(row.counts), row.name)
    )
    made = [Row(row.name, row.level, _cells([wording.number(count) for count in row.counts])) for row in ordered]
    return replace(_part("events", "Events", made, is_number=True), cut=cut)


def telling(rows: Sequence[StateRow], sessions: Sequence[Session]) -> list[tuple[str, str]]:
    """Places and values that all sessions that crashed or hang have at the end, and none of the others.

    Of a single one much is its own; that tells nothing.
    """
    bad = [session.status in (Status.CRASHED, Status.HUNG) for session in sessions]
    if all(bad) or sum(bad) < FEWEST_TELLING:
        return []
    found = []
    for row in rows:
        values = [b"" if value is None else bytes(value) for value in row.values]
        of_bad = {value for value, is_bad in zip(values, bad, strict=True) if is_bad}
        of_good = {value for value, is_bad in zip(values, bad, strict=True) if not is_bad}
        if len(of_bad) == 1 and not of_bad & of_good and b"" not in of_bad:
            found.append((row.path, _plain(of_bad.pop()) or ""))
    return found


def _cells(values: Sequence[str | None]) -> list[Cell]:
    return [Cell(None if value is None else wording.shorten(value, _LONGEST), value != values[0]) for value in values]


def _part(key: str, title: str, rows: Iterable[Row], *, is_code: bool = False, is_number: bool = False) -> Part:
    rows = list(rows)
    differing = [row for row in rows if any(cell.odd for cell in row.cells)]
    same = [row for row in rows if not any(cell.odd for cell in row.cells)]
    hidden = max(0, len(differing) - SHOWN)
    return Part(key, title, differing[:SHOWN], same[:SHOWN], is_code=is_code, is_number=is_number, hidden=hidden)


def _plain(value: bytes | Raw | None) -> str | None:
    """A value of a state; a text that could be taken for another value keeps its quotes."""
    if value is None:
        return None
    text = bytes(value).decode()
    try:
        told = msgspec.json.decode(text)
        return text if not isinstance(told, str) or not told.strip() or _is_json(told) else told
    except msgspec.DecodeError:
        return text


def _is_json(text: str) -> bool:
    try:
        msgspec.json.decode(text)
    except msgspec.DecodeError:
        return False
    return True


def _of_metric(row: MetricRow) -> list[Cell]:
    first = row.values[0]
    base = None if first is None else _told(row, first)
    shown = [_told(row, value) for value in row.values if value is not None]
    step = wording.step_for_all(shown, row.unit) if shown else 0.0
    cells = []
    for value in row.values:
        if value is None:
            cells.append(Cell(None, first is not None))
            continue
        mean = _told(row, value)
        far = base is None or abs(mean / 2 - base / 2) > NEARLY / 2 * max(abs(mean), abs(base))
        # Of a process that was sampled once nobody knows how it usually was.
        is_sure = not row.vital or (value.count > 1 and (first is None or first.count > 1))
        change = _change(mean, base) if far and is_sure else ""
        cells.append(Cell(wording.quantity(mean, row.unit, step), far, _range(row, value), change))
    return cells


def _told(row: MetricRow, value: SeriesStatistics) -> float:
    """What a metric of a session comes to: the total of a counter, the mean of anything else."""
    return value.last if row.type == "counter" else value.mean


def _range(row: MetricRow, value: SeriesStatistics) -> str:
    if row.type == "counter" or value.minimum == value.maximum:
        return ""
    return wording.quantities(value.minimum, value.maximum, row.unit)


def _apart(row: MetricRow) -> float:
    """How far the means are apart, as a share of the greatest; 2 where a session lacks the metric."""
    if any(value is None for value in row.values):
        return 2.0
    means = [_told(row, value) for value in row.values if value is not None]
    greatest = max(map(abs, means))
    return (max(means) / greatest - min(means) / greatest) if greatest else 0.0


def _change(value: float, base: float | None) -> str:
    if base is None or base <= 0 or value < 0:
        return ""
    ratio = value / base
    if not math.isfinite(ratio):
        return ""
    if ratio >= 2:
        return f"×{wording.number(float(f'{ratio:.2g}'))}"
    return f"{'+' if ratio > 1 else '−'}{abs(ratio - 1) * 100:.0f}\u202f%"


def _fact(session: Session, key: str) -> str | None:
    value: Any = session.facts.get(key)
    if value is None or value == "":
        return None
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
