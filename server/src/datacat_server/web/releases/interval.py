"""How much a share of so many sessions says: its 95 % interval, and whether two shares differ by more than chance.

Wilson's score interval, and Newcombe's for the difference of two (Statistics in Medicine 17, 1998, methods 3 and 10).
"""

from dataclasses import dataclass
from math import sqrt

FEW = 20
"""Of fewer sessions than this no percentage is told, but how many of how many."""

_Z = 1.959964


@dataclass(frozen=True)
class Share:
    """So many `good` of `of` sessions, at least one; `low` and `high`, in percent, hold the true share with 95 %."""

    good: int
    of: int

    @property
    def percent(self) -> float:
        return 100 * self.good / self.of

    @property
    def few(self) -> bool:
        return self.of < FEW

    @property
    def low(self) -> float:
        return self._bound(-1)

    @property
    def high(self) -> float:
        return self._bound(1)

    def _bound(self, side: int) -> float:
        if self.good == (self.of if side > 0 else 0):
            return 100.0 if side > 0 else 0.0  # exactly, which the formula is but for its last digit
        p, n, z2 = self.good / self.of, self.of, _Z * _Z
        bound = (p + z2 / (2 * n) + side * _Z * sqrt(p * (1 - p) / n + z2 / (4 * n * n))) / (1 + z2 / n)
        return 100 * min(1.0, max(0.0, bound))


@dataclass(frozen=True)
class Difference:
    """By how many points a share is larger than another one; `clear`: by more than chance explains."""

    points: float
    clear: bool

    @property
    def word(self) -> str:
        if not self.clear:
            return "no clear difference"
        return "better" if self.points > 0 else "worse"


def difference(now: Share, before: Share) -> Difference:
    """Of two shares of different sessions."""
    points = now.percent - before.percent
    below = sqrt((now.percent - now.low) ** 2 + (before.high - before.percent) ** 2)
    above = sqrt((now.high - now.percent) ** 2 + (before.percent - before.low) ** 2)
    return Difference(points, points - below > 0 or points + above < 0)
