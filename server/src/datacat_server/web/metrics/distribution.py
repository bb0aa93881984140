"""A distribution as bars over an axis, with the quantiles marked, and versions as boxes over the same axis."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from datacat_server import wording
from datacat_server.problems.versions import in_order
from datacat_server.store.binning import Bin
from datacat_server.store.spread import Box, Spread, VersionSpread
from datacat_server.web.metrics.asked import Asked
from datacat_server.web.metrics.axis import Axis

HEIGHT = 180
_LEAST_HEIGHT = 2.0
_LEAST_DIFFERENCE = 0.05


@dataclass(frozen=True)
class Bar:
    """One bin: x and width in percent, y and height in pixels of HEIGHT; `address` shows its sessions alone.

    `range` and `count` are in words.
    """

    x: float
    width: float
    y: float
    height: float
    range: str
    count: str
    address: str | None


@dataclass(frozen=True)
class Mark:
    """A quantile on the axis; `anchor`: where its label stands, `start` to its right and `end` to its left."""

    x: float
    name: str
    value: str
    anchor: str


@dataclass(frozen=True)
class Row:
    """A version on the common axis: where its least value, quartiles, median, p95 and greatest value are, in percent.

    `difference`: how its median differs from that of all, empty where it hardly does.
    """

    version: VersionSpread
    address: str
    least: float
    p25: float
    median: float
    p75: float
    p95: float
    greatest: float
    difference: str


def axis_of(spread: Spread) -> Axis:
    """The axis that the bins lie on."""
    return Axis(spread.bins[0].low, spread.bins[-1].high, spread.is_log)


def bars(spread: Spread, axis: Axis, asked: Asked, unit: str | None, noun: str) -> list[Bar]:
    """The bins as bars, the fullest of them as high as the picture."""
    most = max(one.count for one in spread.bins)
    drawn = []
    for place, one in enumerate(spread.bins):
        left, right = (45.0, 55.0) if one.low == one.high else (axis.x(one.low), axis.x(one.high))
        height = max(_LEAST_HEIGHT, one.count / most * HEIGHT) if one.count else 0.0
        last = place == len(spread.bins) - 1
        drawn.append(
            Bar(
                left,
                round(right - left, 3),
                round(HEIGHT - height, 1),
                round(height, 1),
                _range(one, unit),
                wording.count(one.count, noun),
                _narrowed(asked, one, last=last) if one.count and len(spread.bins) > 1 else None,
            )
        )
    return drawn


def _narrowed(asked: Asked, one: Bin, *, last: bool) -> str:
    # The last bin holds the greatest value, whatever its edge is.
    return asked.between(one.low, asked.within.high if last else one.high).address()


def _range(one: Bin, unit: str | None) -> str:
    return wording.quantity(one.low, unit) if one.low == one.high else wording.quantities(one.low, one.high, unit)


def marks(box: Box, axis: Axis, unit: str | None) -> list[Mark]:
    """The median and p95; of values that are all the same none."""
    if box.minimum == box.maximum:
        return []
    median, p95 = axis.x(box.median), axis.x(box.p95)
    step = wording.step_within(box.minimum, box.maximum)
    is_left = median > 50 or p95 - median < 25
    return [
        Mark(median, "median", wording.quantity(box.median, unit, step), "end" if is_left else "start"),
        Mark(p95, "p95", wording.quantity(box.p95, unit, step), "end" if p95 > 85 else "start"),
    ]


def rows(spread: Spread, axis: Axis, asked: Asked) -> list[Row]:
    """The versions, the newest first, product by product; the products in the order of their busiest version."""
    products = list(dict.fromkeys(one.product for one in spread.versions))
    drawn = []
    for product in products:
        of_product = {one.version: one for one in spread.versions if one.product == product}
        # First sight counts only between names that do not look like numbers; there the busier one stands first.
        seen = {version: len(of_product) - place for place, version in enumerate(of_product)}
        drawn += [_row(of_product[version], spread.box, axis, asked) for version in reversed(in_order(seen))]
    return drawn


def _row(version: VersionSpread, whole: Box | None, axis: Axis, asked: Asked) -> Row:
    box = version.box
    return Row(
        version=version,
        address=asked.where(("product", version.product), ("version", version.version)).address(),
        least=axis.x(box.minimum),
        p25=axis.x(box.p25),
        median=axis.x(box.median),
        p75=axis.x(box.p75),
        p95=axis.x(box.p95),
        greatest=axis.x(box.maximum),
        difference=_difference(box.median, whole.median) if whole and whole.median > 0 else "",
    )


def _difference(median: float, of_all: float) -> str:
    share = median / of_all - 1
    if abs(share) < _LEAST_DIFFERENCE or not math.isfinite(share):
        return ""
    return (
        f"×{wording.number(float(f'{share + 1:.2g}'))}"
        if share >= 1
        else f"{'+' if share > 0 else '−'}{abs(share) * 100:.0f}\u202f%"
    )


def noun_of(spread: Spread) -> str:
    """What is counted."""
    return "session" if spread.readings is None else "reading"


def products_of(versions: Sequence[VersionSpread]) -> int:
    return len({one.product for one in versions})
