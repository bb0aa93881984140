"""What the server speaks of: sessions and what belongs to them, in the shapes that the REST API answers with.

Times are aware UTC datetimes; msgspec writes them as RFC 3339. `Raw` holds JSON as the application sent it.
"""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, Raw, Struct, UnsetType, field


class Status(StrEnum):
    """The one word for what a session is, worst first where several hold."""

    CRASHED = "crashed"
    HUNG = "hung"
    SUSPENDED = "suspended"
    ENDED = "ended"
    ACTIVE = "active"


class Level(StrEnum):
    """How much an event matters, in rising order."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"
    CRITICAL = "critical"


JsonObject = Annotated[Raw, Meta(extra_json_schema={"type": "object"})]
"""A JSON object, as it was sent."""


def _nothing() -> Raw:
    return Raw(b"{}")


class Event(Struct, kw_only=True, frozen=True):
    """One event; the `exception_*`, `stacktrace` and `source_*` fields are there for exceptions only."""

    timestamp: datetime
    name: str
    level: str = Level.INFO
    category: str | None = None
    group: str | None = None
    labels: list[str] = []
    message: str | None = None
    data: JsonObject = field(default_factory=_nothing)
    exception_type: str | UnsetType = UNSET
    exception_msg: str | UnsetType = UNSET
    stacktrace: list[str] | UnsetType = UNSET
    source_file: str | None | UnsetType = UNSET
    source_line: int | None | UnsetType = UNSET
    source_function: str | None | UnsetType = UNSET

    @property
    def is_exception(self) -> bool:
        return self.exception_type is not UNSET


class Bucket(Struct, frozen=True):
    """Samples of a histogram up to and including `le`, not counted in a lower bucket; `le` null: above all bounds."""

    le: float | None
    count: int


class Metric(Struct, kw_only=True, frozen=True):
    """One reading of a metric. For a counter `value` is the running total.

    A histogram has one for all its samples: `timestamp` of the newest, `value` the mean, `count`, `sum`, `buckets`.
    """

    timestamp: datetime
    name: str
    type: str
    value: float
    unit: str | None = None
    tags: list[str] = []
    count: int | UnsetType = UNSET
    sum: float | UnsetType = UNSET
    buckets: list[Bucket] | UnsetType = UNSET
    metadata: JsonObject | UnsetType = UNSET


class StateChange(Struct, frozen=True):
    """The whole state as it was from `timestamp` on."""

    timestamp: datetime
    state: dict[str, Any]


class Refusal(Struct, kw_only=True, frozen=True):
    """A record that the server could not take, and why."""

    timestamp: datetime
    writer: str | None
    ordinal: int | None
    error: str
    details: str


class Verdict(Struct, kw_only=True, frozen=True):
    """Why a session is what it is: one sentence, and the evidence (shapes: docs/design/records.md, `status`)."""

    status: str
    timestamp: datetime
    reason: str
    data: dict[str, Any] = {}


class Process(Struct, frozen=True):
    """A process that logged into a session: its main one, a forked child, another program that joined it.

    `records`: how many the server has settled of it, folded ones counted as they were logged.
    """

    pid: int
    records: int


class SessionSummary(Struct, kw_only=True, frozen=True):
    """One row of a list of sessions.

    `hung` stays set when a session ends or crashes while it hangs, whatever `status` says then. So, of those that
    hung (`ever_hung`): not `hung` is recovered, `hung` and `crashed` is hung when it crashed, `hung` and `ended_at`
    without `crashed` is hung when it ended.
    `event_count` counts what was detected about the session too. `refused_count`: records that the server could not
    take; `dropped_count`: ones that the application could not keep; `lost_count`: ones that were gone before they
    could be sent.
    """

    id: str
    created_at: datetime
    updated_at: datetime
    ended_at: datetime | None
    last_heartbeat: datetime | None
    status: Status
    active: bool
    suspended: bool
    crashed: bool
    hung: bool
    ever_hung: bool
    product: str
    version: str
    machine_id: str | None
    hostname: str | None
    pid: int | None
    reason: str | None
    event_count: int
    metric_count: int
    exception_count: int
    refused_count: int
    dropped_count: int
    lost_count: int = 0


class Session(SessionSummary, kw_only=True, frozen=True):
    """A whole session; parts that were not asked for are left out. Its main process is the first of `processes`."""

    state: dict[str, Any]
    facts: dict[str, Any]
    processes: list[Process]
    verdicts: list[Verdict]
    state_history: list[StateChange] | UnsetType = UNSET
    events: list[Event] | UnsetType = UNSET
    metrics: list[Metric] | UnsetType = UNSET
    vitals: list[Metric] | UnsetType = UNSET
    refused: list[Refusal] | UnsetType = UNSET


class SessionPage(Struct, frozen=True):
    """Part of a list of sessions; `cursor` asks for the next part, null at the end.

    `total` is how many the filter picks; with `total_is_capped` there are more than that.
    """

    sessions: list[SessionSummary]
    cursor: str | None
    total: int
    total_is_capped: bool = False


PARTS = frozenset({"state_history", "events", "metrics", "vitals", "refused"})

encode = msgspec.json.Encoder().encode
