"""The activity of a session as a row of small bars, in the paths of an SVG."""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from datacat_server.model import SessionSummary
from datacat_server.store.lists import Activity
from datacat_server.store.protocol import Store

PARTS = 24
WIDTH, HEIGHT = 96, 20
_STEP = WIDTH // PARTS
_KEPT = 2_000


@dataclass(frozen=True)
class Sparkline:
    """Paths in a box of WIDTH by HEIGHT: bars of all events, and on them those of errors."""

    events: str
    errors: str


class Sparklines:
    """Sparklines of a store's sessions. What was drawn is kept until more is known of its session."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._drawn: OrderedDict[str, tuple[object, Sparkline]] = OrderedDict()

    def of(self, sessions: Sequence[SessionSummary]) -> dict[str, Sparkline]:
        """By id; none of a session without events."""
        busy = {session.id: (session.updated_at, session.event_count) for session in sessions if session.event_count}
        with self._lock:
            known = {name: self._drawn[name] for name in busy if name in self._drawn}
        lines = {name: line for name, (state, line) in known.items() if state == busy[name]}
        fresh = self._store.activity([name for name in busy if name not in lines], PARTS)
        lines |= {name: draw(activity) for name, activity in fresh.items()}
        with self._lock:
            for name in known:
                if name in self._drawn:
                    self._drawn.move_to_end(name)
            for name in fresh:
                self._drawn[name] = busy[name], lines[name]
            while len(self._drawn) > _KEPT:
                self._drawn.popitem(last=False)
        return lines


def draw(activity: Activity) -> Sparkline:
    """Bars in proportion to the busiest part; the least of them is still seen."""
    most = max(1, *activity.events)
    return Sparkline(_bars(activity.events, most), _bars(activity.errors, most))


def _bars(counts: Sequence[int], most: int) -> str:
    heights = [max(1.5, round(count / most * HEIGHT, 1)) if count else 0 for count in counts]
    return "".join(
        f"M{place * _STEP} {HEIGHT}v{-height:g}h{_STEP - 1}v{height:g}z"
        for place, height in enumerate(heights)
        if height
    )
