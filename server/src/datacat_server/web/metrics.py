"""A session's metrics as cards: the last value, statistics in words, a line, and bars for a histogram."""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from datacat_server.model import Bucket
from datacat_server.store.views import Series
from datacat_server.web import format

LINE_WIDTH, LINE_HEIGHT = 240, 44
BAR_HEIGHT = 44
QUANTILES = (0.5, 0.95, 0.99)


@dataclass(frozen=True)
class HistogramBar:
    """One bucket; x and width in percent, y and height in pixels."""

    x: float
    width: float
    y: float
    height: float
    title: str


@dataclass(frozen=True)
class Card:
    """One series, ready to show. `points` is JSON for the chart: `[[seconds …], [values …]]`."""

    key: str
    name: str
    tags: list[str]
    type: str
    headline: str
    headline_is: str
    notes: list[str]
    path: str
    points: str
    unit: str
    bars: list[HistogramBar]
    low: str
    high: str


def card(series: Series, seconds: float) -> Card:
    """A series as a card; `seconds` is how long the session has lived."""
    headline, headline_is = series.last, ""
    notes = [f"{format.number(series.count)} readings"]
    statistics = [
        f"avg {_quantity(series.total / series.count, series) if series.count else '–'}",
        f"min {_quantity(series.minimum, series)}",
        f"max {_quantity(series.maximum, series)}",
    ]
    match series.type:
        case "counter":
            notes = [f"{format.number(series.last / seconds)} /s on average"] if seconds else []
        case "histogram":
            headline_is = "mean"
            quantiles = [(share, quantile(series.buckets, share)) for share in QUANTILES]
            notes = [
                f"p{share * 100:.0f} ≤ {_quantity(bound, series)}" for share, bound in quantiles if bound is not None
            ]
            notes.append(f"{format.number(series.count)} samples")
        case "timer":
            notes = [f"{format.number(series.count)} runs", *statistics]
        case _:
            notes = statistics
    bars = histogram_bars(series.buckets, series.unit)
    return Card(
        key=f"{series.type}:{series.name}:{','.join(series.tags)}",
        name=series.name,
        tags=series.tags,
        type="vital" if series.vital else series.type,
        headline=_quantity(headline, series),
        headline_is=headline_is,
        notes=notes,
        path=sparkline(series.times, series.values),
        points=msgspec.json.encode([series.times, series.values]).decode() if len(series.times) > 1 else "",
        unit=series.unit or "",
        bars=bars,
        low=_bound(_used(series.buckets)[0].le, series.unit) if bars else "",
        high=_bound(_used(series.buckets)[-1].le, series.unit) if bars else "",
    )


def _quantity(value: float, series: Series) -> str:
    return format.quantity(value, series.unit)


def sparkline(times: Sequence[float], values: Sequence[float]) -> str:
    """An SVG path through the readings, in a box of LINE_WIDTH by LINE_HEIGHT; empty for fewer than two."""
    if len(times) < 2:
        return ""
    width = times[-1] - times[0] or 1.0
    low = min(values)
    height = max(values) - low
    return "M" + "L".join(
        f"{(time - times[0]) / width * LINE_WIDTH:.1f} "
        f"{LINE_HEIGHT - 3 - ((value - low) / height if height else 0.5) * (LINE_HEIGHT - 6):.1f}"
        for time, value in zip(times, values, strict=True)
    )


def quantile(buckets: Sequence[Bucket], share: float) -> float | None:
    """The upper bound of the bucket in which a quantile lies; None above the last bound or with no samples."""
    total = sum(bucket.count for bucket in buckets)
    seen = 0
    for bucket in buckets:
        seen += bucket.count
        if total and seen >= share * total:
            return bucket.le
    return None


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
        title = f"{_bound(bucket.le, unit)}: {format.number(bucket.count)}"
        bars.append(HistogramBar(round(place * width, 3), round(width * 0.9, 3), BAR_HEIGHT - height, height, title))
    return bars


def _bound(le: float | None, unit: str | None) -> str:
    return "above" if le is None else f"≤ {format.quantity(le, unit)}"
