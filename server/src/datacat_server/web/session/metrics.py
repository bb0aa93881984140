"""A session's metrics as cards: the last value, statistics in words, a line, and bars for a histogram."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from math import isfinite

import msgspec
from msgspec.structs import replace

from datacat_server import wording
from datacat_server.model import Bucket
from datacat_server.store.views import Series
from datacat_server.telling import vitals
from datacat_server.web.session import spread
from datacat_server.web.session.timeline import lanes
from datacat_server.web.shell import course

LINE_WIDTH, LINE_HEIGHT = 240, 44
BAR_HEIGHT = 44
QUANTILES = (0.5, 0.95, 0.99)
RECENT, RECENT_SECONDS = 0.1, 10.0
"""What counts as last of a counter's course: this share of the session's life, and this long at least."""
MOST_TAG_SETS = 12
_ORDER = {"gauge": 0, "timer": 1, "histogram": 2, "counter": 3}


@dataclass(frozen=True)
class HistogramBar:
    """One bucket; x and width in percent, y and height in pixels."""

    x: float
    width: float
    y: float
    height: float
    title: str


@dataclass(frozen=True)
class Quantile:
    """Where among the bars of a histogram a quantile lies; x in percent."""

    x: float
    name: str
    title: str


@dataclass(frozen=True)
class Figure:
    """What a series comes to: a name such as `deviation` or `median`, and the value with its unit."""

    name: str
    value: str


@dataclass(frozen=True)
class Card:
    """One series, ready to show; `title` is what it is called, `name` what it was logged as.

    `id` is of this metric only. `lane` names it where the metrics of the time axis are chosen, None for one that has no
    course. `points` is JSON for the chart, `[[seconds …], [values …]]`, with a null where the line breaks; `steps` says
    that a value holds until the next. `ends` stands below the picture: for a line where the session's time axis begins
    and ends, for a histogram the bounds of its first and last bar. `alone` tells when its only reading was, of one that
    has no picture. `tag_sets` are those that are summed in it, with what each came to, at most MOST_TAG_SETS.
    """

    id: str
    lane: str | None
    name: str
    title: str
    tags: list[str]
    type: str
    headline: str
    headline_is: str
    figures: list[Figure]
    notes: list[str]
    path: str
    points: str
    unit: str
    steps: bool
    ends: list[str]
    bars: list[HistogramBar]
    quantiles: list[Quantile]
    alone: str
    tag_sets: list[tuple[str, str]]
    tag_sets_left_out: int


@dataclass(frozen=True)
class Group:
    """Cards that belong together; `title` is None for the application's own metrics."""

    title: str | None
    cards: list[Card]


def groups(series: Sequence[Series], start: datetime, seconds: float) -> list[Group]:
    """The application's metrics, then the vitals of its process, then what DataCat costs.

    Counters that differ in their tags only are one card, as they are one lane; what was read once only comes last.
    """
    own = sorted((one for one in series if not one.vital), key=lambda one: (_ORDER.get(one.type, 0), one.name))
    sampled = sorted((one for one in series if one.vital), key=lambda one: vitals.order(one.name))
    parts = (
        (None, own),
        ("Process", [one for one in sampled if not vitals.is_cost(one.name)]),
        ("DataCat’s daemon", [one for one in sampled if vitals.is_cost(one.name)]),
    )
    return [
        Group(title, sorted((card(some, start, seconds) for some in _cards(held)), key=lambda one: one.alone != ""))
        for title, held in parts
        if held
    ]


def _cards(series: Sequence[Series]) -> list[list[Series]]:
    found: dict[tuple[object, ...], list[Series]] = {}
    for one in series:
        tags = () if one.type == "counter" else tuple(one.tags)
        found.setdefault((one.vital, one.name, one.type, one.unit, tags), []).append(one)
    return list(found.values())


def _summed(parts: Sequence[Series]) -> Series:
    """Counters that differ in their tags as one; of its course as many readings as the longest of them has."""
    if len(parts) == 1:
        return parts[0]
    times, values = course.total(parts)
    every = -(-len(times) // max(len(one.times) for one in parts)) if times else 1
    kept = slice((len(times) - 1) % every if times else 0, None, every)  # the last one always
    last = sum(one.last for one in parts)
    return replace(
        parts[0],
        tags=[],
        count=sum(one.count for one in parts),
        last=last,
        minimum=min(values, default=last),
        maximum=max(values, default=last),
        times=times[kept],
        values=values[kept],
    )


def card(parts: Sequence[Series], start: datetime, seconds: float) -> Card:
    """Series as a card: one, or counters that are summed.

    `start` is where the session's time axis starts, `seconds` how long it is.
    """
    series = _summed(parts)
    headline, headline_is = series.last, ""
    figures: list[Figure] = []
    notes: list[str] = []
    match series.type:
        case "counter":
            figures = [*_rates(series, seconds), Figure("count", wording.number(series.count))]
        case "histogram":
            headline, headline_is = series.total / series.count if series.count else series.last, "mean"
            quantiles = [(share, spread.quantile(series, share)) for share in QUANTILES]
            figures = [
                Figure(f"p{share * 100:.0f}", f"≈ {_figure(at, series)}") for share, at in quantiles if at is not None
            ]
            figures += [*_spread(series), *_extremes(series), Figure("count", wording.number(series.count))]
        case _:
            figures = [_average(series), *_spread(series), *_extremes(series)]
            figures.append(Figure("count", wording.number(series.count)))
            notes = _timed(series)
    bars = histogram_bars(series.buckets, series.unit)
    alone = "" if bars or len(series.times) != 1 or series.count != 1 else _place(series.times[0], start)
    return Card(
        id=_identity(series),
        lane=lanes.key(series) if lanes.can_have_lane(series) else None,
        name=series.name,
        title=vitals.words(series.name) if series.vital else series.name,
        tags=series.tags,
        type="" if series.vital else series.type,
        headline=_quantity(headline, series),
        headline_is=headline_is,
        figures=[] if alone else figures,
        notes=notes,
        path="" if alone else sparkline(series, start, seconds),
        points=points(series) if len(series.times) > 1 else "",
        unit=wording.shorten(series.unit or "", wording.LONGEST_UNIT),
        steps=series.type == "counter",
        ends=_bounds(series) if bars else _ends(series, seconds),
        bars=bars,
        quantiles=_marks(series) if bars else [],
        alone=alone,
        tag_sets=[(" ".join(one.tags) or "no tags", _quantity(one.last, one)) for one in parts[:MOST_TAG_SETS]]
        if len(parts) > 1
        else [],
        tag_sets_left_out=max(0, len(parts) - MOST_TAG_SETS),
    )


def _identity(series: Series) -> str:
    """What tells a card from all others, as long as the page lives."""
    parts = [str(series.vital), series.name, series.type, series.unit or "", *series.tags]
    return hashlib.blake2b(msgspec.json.encode(parts), digest_size=8).hexdigest()


def _place(time: float, start: datetime) -> str:
    return wording.elapsed(max(0.0, time - start.timestamp()), 0)


def _average(series: Series) -> Figure:
    return Figure("average", _figure(series.total / series.count, series) if series.count else "–")


def _extremes(series: Series) -> list[Figure]:
    return [Figure("min", _figure(series.minimum, series)), Figure("max", _figure(series.maximum, series))]


def _rates(series: Series, seconds: float) -> list[Figure]:
    """How fast a counter moved: all the time, and at the end of what is known of it."""
    if not seconds:
        return []
    found = [Figure("on average", wording.rate(series.last, seconds))] if isfinite(series.last / seconds) else []
    if len(series.times) > 2:
        recent = max(seconds * RECENT, RECENT_SECONDS)
        end = series.times[-1]
        begin = next((place for place, time in enumerate(series.times) if time >= end - recent), 0)
        moved = series.values[-1] - series.values[begin]
        if end > series.times[begin] and isfinite(moved / (end - series.times[begin])):
            found.append(Figure("at last", wording.rate(moved, end - series.times[begin])))
    return found


def _spread(series: Series) -> list[Figure]:
    """Deviation and median; with ≈ where they are estimates."""
    found = spread.spread(series)
    if found is None:
        return []
    about = "" if found.exact else "≈ "
    figures = [Figure("median", about + _figure(found.median, series))]
    # A deviation of values whose squares are too large for a number is not one.
    if isfinite(found.deviation):
        figures.insert(0, Figure("deviation", about + _figure(found.deviation, series)))
    # Of a histogram the p50 is told already.
    return [figure for figure in figures if series.type != "histogram" or figure.name != "median"]


def _timed(series: Series) -> list[str]:
    """What the runs of a timer and the iterations in them come to; nothing where each run was one."""
    if series.iterations in (0, series.count):
        return []
    each = f"{_quantity(series.total / series.iterations, series)} each"
    return [wording.count(series.count, "run"), wording.count(series.iterations, "iteration"), each]


def _bounds(series: Series) -> list[str]:
    used = _used(series.buckets)
    return [_bound(bucket.le, series.unit) for bucket in (used[:1] if len(used) == 1 else (used[0], used[-1]))]


def _ends(series: Series, seconds: float) -> list[str]:
    return [wording.elapsed(at, 0) for at in (0.0, seconds)] if len(series.times) > 1 else []


def points(series: Series) -> str:
    """A series for the chart; a line is told to break by a null between the readings around a gap."""
    times: list[float] = []
    values: list[float | None] = []
    for run in [range(len(series.times))] if series.type == "counter" else course.runs(series.times):
        if times:
            times.append((times[-1] + series.times[run.start]) / 2)
            values.append(None)
        times.extend(series.times[run.start : run.stop])
        values.extend(series.values[run.start : run.stop])
    return msgspec.json.encode([times, values]).decode()


def _quantity(value: float, series: Series) -> str:
    return wording.quantity(value, series.unit)


def _figure(value: float, series: Series) -> str:
    """A value below the headline, which names the unit: here it stands only where it depends on the value."""
    return wording.quantity(value, series.unit if wording.is_scaled(series.unit) else None)


def sparkline(series: Series, start: datetime, seconds: float) -> str:
    """An SVG path through the readings over the session's time axis, in a box of LINE_WIDTH by LINE_HEIGHT."""
    times, values = series.times, series.values
    if not times:
        return ""
    draw = course.steps if series.type == "counter" else course.line
    box = course.Box(start.timestamp(), seconds, LINE_WIDTH, LINE_HEIGHT)
    return draw(times, values, *course.bounds(min(values), max(values)), box)


def _used(buckets: Sequence[Bucket]) -> Sequence[Bucket]:
    """The buckets from the first to the last that hold samples."""
    held = [place for place, bucket in enumerate(buckets) if bucket.count]
    return buckets[held[0] : held[-1] + 1] if held else []


def histogram_bars(buckets: Sequence[Bucket], unit: str | None) -> list[HistogramBar]:
    """One bar for every bucket between the lowest and the highest that hold samples."""
    used = _used(buckets)
    most = max((bucket.count for bucket in used), default=0)
    width = 100 / len(used) if used else 0
    bars = []
    for place, bucket in enumerate(used):
        height = max(1.0, bucket.count / most * BAR_HEIGHT) if bucket.count else 0.0
        title = f"{_bound(bucket.le, unit)}: {wording.number(bucket.count)}"
        bars.append(HistogramBar(round(place * width, 3), round(width * 0.9, 3), BAR_HEIGHT - height, height, title))
    return bars


def _marks(series: Series) -> list[Quantile]:
    """The quantiles, among the bars that are drawn."""
    used = _used(series.buckets)
    first = list(series.buckets).index(used[0])
    edges = spread.edges(series)[first : first + len(used)]
    marks = []
    for share in QUANTILES:
        at = spread.quantile(series, share)
        place = next((n for n, (_, high) in enumerate(edges) if at is not None and at <= high), None)
        if at is None or place is None:
            continue
        low, high = edges[place]
        within = (at - low) / (high - low) if high > low else 0.5
        name = f"p{share * 100:.0f}"
        marks.append(
            Quantile(round((place + 0.9 * within) * 100 / len(used), 2), name, f"{name} ≈ {_quantity(at, series)}")
        )
    return marks


def _bound(le: float | None, unit: str | None) -> str:
    return "above" if le is None else f"≤ {wording.quantity(le, unit)}"
