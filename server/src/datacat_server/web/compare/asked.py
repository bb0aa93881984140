"""Which sessions are to stand under one another, and which metrics over them, as the address says it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlencode

MOST = 8
"""More lines than that are told apart by nobody."""
MOST_METRICS = 6


@dataclass(frozen=True)
class Asked:
    """`ids` in their order, each once; `metrics`: names, None where the address names none; `search`: for another one.

    `until`: so many seconds from the start are seen, None for all. `beyond`: ids behind the first `MOST`.
    """

    ids: tuple[str, ...]
    metrics: tuple[str, ...] | None = None
    search: str | None = None
    until: float | None = None
    beyond: tuple[str, ...] = ()

    def address(self, path: str = "/compare") -> str:
        """The address of this comparison; what is looked for is no part of it."""
        query = [("ids", one) for one in self.ids]
        if self.metrics is not None:
            query += [("metrics", one) for one in self.metrics or ("",)]
        if self.until is not None:
            query.append(("until", f"{self.until:g}"))
        return f"{path}?{urlencode(query)}" if query else path

    def with_session(self, session_id: str) -> "Asked":
        return replace(self, ids=(*self.ids, session_id))

    def without(self, session_id: str) -> "Asked":
        return replace(self, ids=tuple(one for one in self.ids if one != session_id))

    def first(self, session_id: str) -> "Asked":
        """The same with one session above all others, which are compared with it."""
        return replace(self, ids=(session_id, *(one for one in self.ids if one != session_id)))

    def seen_until(self, until: float | None) -> "Asked":
        return replace(self, until=until)

    def toggled(self, name: str, shown: Sequence[str]) -> "Asked":
        """The same with a metric more, or without it where it is among those that are shown."""
        metrics = tuple(one for one in shown if one != name) if name in shown else (*shown, name)
        return replace(self, metrics=metrics[-MOST_METRICS:])


def read_asked(
    ids: Sequence[str], metrics: Sequence[str], search: str | None = None, until: str | None = None
) -> Asked:
    """`ids=a&ids=b`, or `ids=a,b`; an `until` that is no number of seconds counts as not there."""
    every = tuple(dict.fromkeys(one for some in ids for one in some.split(",") if one))
    names = tuple(dict.fromkeys(one for one in metrics if one))[:MOST_METRICS]
    return Asked(every[:MOST], names if metrics else None, search, _seconds(until), every[MOST:])


def _seconds(text: str | None) -> float | None:
    try:
        seconds = float(text or 0)
    except ValueError:
        return None
    return seconds if 0.01 <= seconds < 1e9 else None
