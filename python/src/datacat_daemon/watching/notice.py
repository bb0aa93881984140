"""What the daemon tells of a process that is no verdict on it: an event of the session, by the daemon."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from datacat_daemon.watching.stops import Continued, Debugger


@dataclass(frozen=True)
class Notice:
    """An `event` record: `time` in microseconds since 1970 UTC, `message` one sentence."""

    name: str
    time: int
    message: str
    data: dict[str, Any] = field(default_factory=dict)

    def payload(self) -> dict[str, Any]:
        """The record's payload (docs/design/records.md, kind `event`)."""
        content = {"name": self.name, "level": "info", "category": "datacat", "message": self.message}
        return {**content, "data": self.data}


def of_debugger(change: Debugger | Continued, time: int) -> Notice:
    """A debugger took hold of the process, or let it go; `time` in microseconds since 1970 UTC."""
    if isinstance(change, Continued):
        seconds = round(change.seconds, 3)
        message = f"goes on, after {seconds:.1f} s in a debugger"
        return Notice("application_continued", time, message, {"stopped_seconds": seconds})
    who = f"process {change.pid}" if change.name is None else f"{change.name}, process {change.pid}"
    data = {"tracer_pid": change.pid, "tracer_name": change.name}
    message = f"stopped by a debugger ({who}): its heartbeat is not watched meanwhile"
    return Notice("application_stopped_in_debugger", time, message, data)
