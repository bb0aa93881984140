"""The axis of values that a distribution and the versions below it hang on: places in percent of its width."""

import math
from dataclasses import dataclass

from datacat_server import wording
from datacat_server.store.binning import step_for

_TICKS = 6


@dataclass(frozen=True)
class Tick:
    """A labelled value; `x` in percent."""

    x: float
    label: str


@dataclass(frozen=True)
class Axis:
    """From `low` to `high`, by their logarithms where `log` is set; both are above zero then."""

    low: float
    high: float
    log: bool

    def x(self, value: float) -> float:
        """Where a value is, in percent of the width; in the middle where all are the same."""
        if self.low == self.high:
            return 50.0
        if self.log:
            low, high = math.log(self.low), math.log(self.high)
            share = (math.log(max(value, 5e-324)) - low) / (high - low)
        else:
            # Halved first: their difference may be larger than any number.
            share = (value / 2 - self.low / 2) / (self.high / 2 - self.low / 2)
        return round(100 * min(1.0, max(0.0, share)), 3)

    def ticks(self, unit: str | None) -> list[Tick]:
        """A few round values within the axis, not so near its ends that their labels would reach beyond them.

        A unit of which all are written alike is left to the heading.
        """
        written = unit if wording.is_scaled(unit) else None
        step = 0.0 if self.log else self._step()
        return [
            Tick(self.x(value), wording.quantity(value, written, step))
            for value in self._round()
            if 3 <= self.x(value) <= 97
        ]

    def _step(self) -> float:
        """The distance of round values on an axis that is not logarithmic; 0 where there is none."""
        span = self.high - self.low
        return step_for(span, _TICKS) if math.isfinite(span) and span / _TICKS >= 1e-300 else 0.0

    def _ratios(self) -> list[float]:
        """Equal steps where there are hardly two powers of ten."""
        return [(self.high / self.low) ** (part / _TICKS) for part in range(1, _TICKS)]

    def _round(self) -> list[float]:
        if self.low == self.high:
            return [self.low]
        if self.log:
            first, last = math.ceil(math.log10(self.low)), math.floor(math.log10(self.high))
            powers = range(first, last + 1, max(1, -(-(last - first) // _TICKS)))
            return (
                [10.0**power for power in powers] if len(powers) > 1 else [self.low * ratio for ratio in self._ratios()]
            )
        step = self._step()
        if not step:
            return []
        return [place * step for place in range(math.ceil(self.low / step), math.floor(self.high / step) + 1)]
