"""The verdict on a metric, in a sentence."""

from collections.abc import Callable, Sequence

from datacat_server import wording
from datacat_server.store.metrics import Aggregate
from datacat_server.store.spread import Box, Spread
from datacat_server.web.metrics.distribution import Row, noun_of

_FEW = 20
_LEAST_TELLING = 5
"""A version with fewer values says nothing."""

_OR_MORE = {
    Aggregate.PEAK: "peaked at {} or more",
    Aggregate.AVERAGE: "were at {} or more on average",
    Aggregate.MINIMUM: "never fell below {}",
    Aggregate.ALL: "are {} or more",
}
_AT = {
    Aggregate.PEAK: "peaked at {}",
    Aggregate.AVERAGE: "had an average of {}",
    Aggregate.MINIMUM: "had a minimum of {}",
    Aggregate.ALL: "came to {}",
}


def verdict(spread: Spread, unit: str | None) -> tuple[str, str]:
    """What the values come to: what matters most, and the rest of the sentence; both empty where there are none."""
    box, noun = spread.box, noun_of(spread)
    if box is None:
        return "", ""

    step = wording.step_within(box.minimum, box.maximum)

    def at(value: float) -> str:
        return wording.quantity(value, unit, step)

    if box.minimum == box.maximum:
        who = f"The one {noun}" if box.count == 1 else f"All {wording.count(box.count, noun)}"
        return f"{who} {_AT[spread.aggregate].format(at(box.maximum))}.", ""
    if box.count < _FEW:
        ends = f"{at(box.minimum)} to {at(box.maximum)}"
        return f"{wording.count(box.count, noun)}: {ends}", f", median {at(box.median)}, mean {at(box.mean)}."
    return _of_many(spread, box, noun, at)


def _of_many(spread: Spread, box: Box, noun: str, at: Callable[[float], str]) -> tuple[str, str]:
    said = _OR_MORE[spread.aggregate].format(at(box.median))
    first = f"Half of {wording.count(box.count, noun)} {said}"
    rest = f", one in twenty at {at(box.p95)} or more; they reach from {at(box.minimum)} to {at(box.maximum)}."
    return first, rest


def standing_out(rows: Sequence[Row], whole: Box | None) -> Row | None:
    """The one version whose median differs from that of all; None where several do, or none does."""
    telling = [row for row in rows if row.difference and row.version.box.count >= _LEAST_TELLING]
    return telling[0] if len(telling) == 1 and whole and telling[0].version.box.count < whole.count else None


def sample(spread: Spread) -> str:
    """What the picture is made of, where that is not what the sentence counts."""
    if spread.readings is None:
        return ""
    of = wording.count(spread.sessions, "session")
    if spread.sampled == spread.readings:
        return f"all of {of}"
    return f"{wording.number(spread.sampled or 0)} of {wording.count(spread.readings, 'reading')} in {of}, taken evenly"
