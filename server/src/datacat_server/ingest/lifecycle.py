"""What a status record makes of a session: its flags, and the event that tells of it. The only place that decides."""

from dataclasses import dataclass

import msgspec
from msgspec import Raw

from datacat_server.ingest.records import EventRecord, StatusRecord
from datacat_server.model import Level, Status

STATUSES = frozenset({"ended", "crashed", "hung", "recovered", "suspended", "resumed"})

_EVENTS = {
    "crashed": ("session_crashed_detected", Level.CRITICAL),
    "hung": ("application_appears_hung", Level.ERROR),
    "recovered": ("application_recovered", Level.INFO),
    "withdrawn": ("session_crash_withdrawn", Level.INFO),
}
TOLD_BY = frozenset(name for name, _ in _EVENTS.values())
"""The names of the events that tell of verdicts."""

_REASONS = {
    "ended": "the session ended",
    "crashed": "the process ended without ending the session",
    "hung": "the heartbeat stopped",
    "recovered": "the heartbeat is back",
    "suspended": "the machine sleeps, or nothing is heard",
    "resumed": "the session is heard from again",
    "withdrawn": "the session had not crashed",
}


@dataclass(slots=True)
class Standing:
    """Where a session stands. `ended` is a time in microseconds.

    `presumed`: the crash is the server's presumption (ingest/presumption.py), since this time in microseconds.
    """

    ended: int | None = None
    suspended: bool = False
    crashed: bool = False
    hung: bool = False
    ever_hung: bool = False
    reason: str | None = None
    presumed: int | None = None

    @property
    def active(self) -> bool:
        """Running and heard from; a hung session still runs."""
        return self.ended is None and not self.suspended

    @property
    def status(self) -> Status:
        if self.crashed:
            return Status.CRASHED
        if self.ended is not None:
            return Status.ENDED
        if self.hung:
            return Status.HUNG
        return Status.SUSPENDED if self.suspended else Status.ACTIVE


def reason_of(record: StatusRecord) -> str:
    """The sentence that came with a verdict, or a plain one."""
    return record.reason or _REASONS[record.status]


def given_reason(record: StatusRecord) -> str | None:
    """The sentence that came with a verdict, if it says more than the plain one, which is what is kept without any."""
    return None if record.reason == _REASONS[record.status] else record.reason


def judge(standing: Standing, record: StatusRecord) -> bool:
    """Bring the standing up to date; False when the verdict comes too late to change anything.

    Crashed is final, and ended is for whoever did not see the end. A session that was hung when it crashed or ended
    stays hung: how it ended and what it did then are two things.
    """
    if standing.crashed or (standing.ended is not None and not _knows_of_a_crash(record)):
        return False
    match record.status:
        case "ended":
            standing.ended, standing.suspended = record.time, False
        case "crashed":
            standing.crashed, standing.suspended = True, False
            standing.ended = record.time
        case "hung":
            standing.hung = standing.ever_hung = True
        case "recovered":
            standing.hung = False
        case "suspended":
            standing.suspended = True
        case "resumed":
            standing.suspended = False
    standing.reason = reason_of(record)
    return True


def _knows_of_a_crash(record: StatusRecord) -> bool:
    return record.status == "crashed" and (record.data or {}).get("kind") != "unknown"


def fall_silent(standing: Standing, seconds: float) -> None:
    """Nothing was heard of the session for so long. That is never a crash: it may be the network."""
    standing.suspended = True
    standing.reason = f"nothing was heard for {seconds:g} seconds"


def hear(standing: Standing) -> None:
    """There is a sign of life: whoever sends is not asleep."""
    if standing.suspended:
        standing.suspended = False
        standing.reason = _REASONS["hung" if standing.hung else "resumed"]


def event_of(record: StatusRecord) -> EventRecord | None:
    """The event that tells of a status, if there is one."""
    if record.status not in _EVENTS:
        return None
    name, level = _EVENTS[record.status]
    return EventRecord(
        writer=record.writer,
        ordinal=record.ordinal,
        time=record.time,
        name=name,
        level=level,
        category="datacat",
        message=reason_of(record),
        data=Raw(msgspec.json.encode(record.data or {})),
    )
