"""A session's life as stretches of one status, from what was found out about it."""

from dataclasses import dataclass
from datetime import datetime

from datacat_server import wording
from datacat_server.model import Session, Status, Verdict

_BECOMES = {"hung": "hung", "suspended": "suspended", "recovered": "active", "resumed": "active"}
_MOST = 500


@dataclass(frozen=True)
class Phase:
    """A stretch of a session's life in one status, in seconds from the start of the time axis."""

    begin: float
    end: float
    status: str

    @property
    def name(self) -> str:
        """What stands on the bar of a stretch that is not what every session is."""
        return f"{self.status} {wording.duration(self.end - self.begin)}"

    @property
    def title(self) -> str:
        return f"{self.name}, from {wording.elapsed(self.begin)} to {wording.elapsed(self.end)}"


def phases(session: Session, start: datetime, seconds: float) -> list[Phase]:
    """A session's statuses one after the other, over an axis that starts at `start` and is `seconds` long."""
    turns = [(0.0, "active")]
    for verdict in session.verdicts:
        at = (verdict.timestamp - start).total_seconds()
        if (hung := _seconds(verdict, "hung_seconds")) and turns[-1][1] == "hung":
            # Told exactly when it is over: since the last beat.
            turns[-1] = (max(at - hung, turns[-2][0]), "hung")
        if status := _BECOMES.get(verdict.status):
            silent = _seconds(verdict, "silent_seconds") if status == "hung" else 0.0
            turns.append((at - silent, status))
    if session.status is Status.SUSPENDED and turns[-1][1] != "suspended" and session.last_heartbeat:
        turns.append(((session.last_heartbeat - start).total_seconds(), "suspended"))
    turns = sorted((min(max(0.0, at), seconds), status) for at, status in turns[:_MOST])
    return [
        Phase(begin, end, status) for (begin, status), (end, _) in zip(turns, [*turns[1:], (seconds, "")], strict=True)
    ]


def _seconds(verdict: Verdict, key: str) -> float:
    """How long a hang had lasted, by what its verdict or the one that ended it says; 0 where it says nothing."""
    told = verdict.data.get(key)
    return float(told) if isinstance(told, int | float) and 0 <= told < 1e9 else 0.0
