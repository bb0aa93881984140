"""How long to wait after failures: longer each time up to a bound, and never in step with others."""

from __future__ import annotations

import random
import time

SHORTEST_PAUSE = 0.5
LONGEST_PAUSE = 30.0
LONGEST_WISH = 600.0
_SPREAD = 0.25


class Backoff:
    """Pauses of half a second to half a minute, each about twice as long as the one before.

    Attributes:
        ready_at: when to try again, by the monotonic clock; 0 after a success.
    """

    def __init__(self) -> None:
        self.ready_at = 0.0
        self._failures = 0

    def failed(self, at_least: float = 0.0) -> None:
        """Wait before the next try; `at_least` so many seconds if that was wished for, up to LONGEST_WISH."""
        pause = min(LONGEST_PAUSE, SHORTEST_PAUSE * 2 ** min(self._failures, 10))
        pause = max(pause * random.uniform(1 - _SPREAD, 1 + _SPREAD), min(at_least, LONGEST_WISH))
        self._failures += 1
        self.ready_at = time.monotonic() + pause

    def succeeded(self) -> None:
        """The next try need not wait."""
        self._failures = 0
        self.ready_at = 0.0
