"""How fast a webhook is sent to, and how long is waited after a failure."""

import random
import time
from collections.abc import Callable

A_MINUTE = 30
FIRST_WAIT = 1.0
LONGEST_WAIT = 600.0
GIVE_UP_SECONDS = 86_400.0
FAILURES_BEFORE_ASIDE = 6
MOST_ASIDE = 3
"""So few that a receiver which is away still gets what it missed in summaries, and not one by one."""


class Rate:
    """A bucket of tokens: as many as may be sent in a minute, filled again over a minute."""

    def __init__(self, a_minute: int = A_MINUTE, clock: Callable[[], float] = time.monotonic) -> None:
        self._a_minute = a_minute
        self._clock = clock
        self._tokens = float(a_minute)
        self._filled = clock()

    @property
    def tokens(self) -> int:
        """How many may be sent now."""
        now = self._clock()
        self._tokens = min(self._a_minute, self._tokens + (now - self._filled) * self._a_minute / 60)
        self._filled = now
        return int(self._tokens)

    def take(self) -> None:
        """One is sent."""
        self._tokens -= 1


def wait_after(failures: int) -> float:
    """Seconds to wait after so many failures: twice as long each time, up to ten minutes, half of it by chance."""
    longest: float = min(FIRST_WAIT * 2 ** min(failures - 1, 20), LONGEST_WAIT)
    return longest * random.uniform(0.5, 1.0)
