"""Whether all that a game has logged is on the server."""

from collections.abc import Mapping
from dataclasses import dataclass

from msgspec import UNSET

from datacat_server.model import Metric, Session


@dataclass(frozen=True)
class Records:
    """How many records a game has logged, and how many of these the server has."""

    logged: int
    arrived: int

    @property
    def complete(self) -> bool:
        return self.logged == self.arrived


def compare(tally: Mapping[str, int], session: Session) -> Records:
    """Count the records of a session against a game's tally.

    `tally` maps "event:NAME", "gauge:NAME", "counter:NAME", "histogram:NAME", "timer:NAME" and "state" to how often
    that was logged. A counter's increments are its total, a histogram's samples its count. More of a kind than was
    logged counts as wrong, too: as if so many were missing.
    """
    arrived = {key: _arrived(key, session) for key in tally}
    wrong = sum(abs(count - arrived[key]) for key, count in tally.items())
    logged = sum(tally.values())
    return Records(logged, logged - wrong)


def _arrived(key: str, session: Session) -> int:
    kind, _, name = key.partition(":")
    metrics = [metric for metric in session.metrics or () if (metric.type, metric.name) == (kind, name)]
    match kind:
        case "state":
            return len(session.state_history or ()) - 1  # the first is what the session was created with
        case "event":
            return sum(event.name == name for event in session.events or ())
        case "counter":
            return round(sum(metric.value for metric in _last_of_each_series(metrics)))
        case "histogram":
            return sum(metric.count for metric in _last_of_each_series(metrics) if metric.count is not UNSET)
        case _:
            return len(metrics)


def _last_of_each_series(metrics: list[Metric]) -> list[Metric]:
    return list({tuple(sorted(metric.tags)): metric for metric in metrics}.values())
