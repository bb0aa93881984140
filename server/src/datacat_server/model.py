"""What the server speaks of: sessions and what belongs to them, in the shapes that the REST API answers with.

Times are aware UTC datetimes; msgspec writes them as RFC 3339. `Raw` holds JSON as the application sent it.
"""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, Raw, Struct, UnsetType, field


class Status(StrEnum):
    """The one word for what a session is, worst first.

    One that is over is `crashed` or `ended`, whatever it did then; else `hung` goes before `suspended`.
    """

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
    """Something that the application logged, or that was detected about it.

    Attributes:
        timestamp: when it happened, by the clock of its machine.
        name: what it is called, such as `moved`.
        level: how much it matters: debug, info, warning, error or critical.
        category: the application's word for its kind, `datacat` for what was detected; null for none.
        group: the application's word for what it belongs to; null for none.
        labels: the application's words for it.
        message: text for people; null for none.
        data: what was logged with it; empty for nothing.
        exception_type: the type of the exception, such as `KeyError`; absent for what is none.
        exception_msg: what the exception says, which may be nothing; absent for what is none.
        stacktrace: the lines of its traceback, as its language writes them; absent for what is none.
        source_file: the file in which it was raised, or happened; null or absent where that is not known.
        source_line: the line of that file, from 1; null or absent where that is not known.
        source_function: the function in which that was; null or absent where that is not known.
    """

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
    """One bucket of a histogram.

    Attributes:
        le: its upper bound, inclusive; null for the bucket above all bounds.
        count: how many samples lie in it, without those of lower buckets.
    """

    le: float | None
    count: int


class Metric(Struct, kw_only=True, frozen=True):
    """One reading of a metric; a histogram has one for all its samples.

    Attributes:
        timestamp: when it was read; of a histogram, when its newest sample was.
        name: what the metric is called, such as `fps`.
        type: gauge, counter, histogram or timer.
        value: a gauge's reading, a timer's duration, a counter's running total, or a histogram's mean.
        unit: the unit of `value`, as the application names it; null where it names none.
        tags: words that tell series of one name apart, sorted.
        count: how many samples of a histogram, or iterations of a timer; absent where nothing was said.
        sum: of a histogram the sum of its samples; absent for others.
        buckets: of a histogram, by rising bound, the one above all bounds last; absent for others.
        metadata: what was logged with it, of a histogram what was last; absent for nothing.
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
    """The state as a change has left it.

    Attributes:
        timestamp: from when on it was so.
        state: the whole state, not the change alone.
    """

    timestamp: datetime
    state: dict[str, Any]


class Refusal(Struct, kw_only=True, frozen=True):
    """A record that the server could not take, and why.

    Attributes:
        timestamp: when it came in, by the server's clock.
        writer: which writer of the session sent it; null where that cannot be told, or for a single call.
        ordinal: its number among those of its writer; null where it has none.
        error: `bad_request`, or `too_large` for a record of more than 1 MB.
        details: what is wrong; begins with the name of the field.
    """

    timestamp: datetime
    writer: str | None
    ordinal: int | None
    error: str
    details: str


class Verdict(Struct, kw_only=True, frozen=True):
    """What became of a session, and why.

    Attributes:
        status: ended, crashed, hung, recovered, suspended, resumed, or withdrawn: a presumed crash was none.
        timestamp: when it became so.
        reason: one sentence for people.
        data: the evidence, such as `signal`, `exit_code` and `stacks`; shapes: docs/design/records.md, `status`.
    """

    status: str
    timestamp: datetime
    reason: str
    data: dict[str, Any] = {}


class Process(Struct, frozen=True):
    """A process that logged into a session: its main one, a forked child, another program that joined it.

    Attributes:
        pid: its id on the session's machine.
        records: how many the server has settled of it, folded ones counted as they were logged.
    """

    pid: int
    records: int


class SessionSummary(Struct, kw_only=True, frozen=True):
    """One row of a list of sessions.

    Of those that hung (`ever_hung`): not `hung` is recovered, `hung` and `crashed` is hung when it crashed, `hung` and
    `ended_at` without `crashed` is hung when it ended.

    Attributes:
        id: what names it, for good.
        created_at: when it began.
        updated_at: the time of the newest that is known of it: a record, a heartbeat, or that it fell silent.
        ended_at: when it ended or crashed; null while it is not over.
        last_heartbeat: when its newest heartbeat was; null where there was none.
        status: what it is, in one word; the flags say more.
        active: whether it runs and is heard from; so it is while it hangs.
        suspended: whether its machine sleeps, or nothing was heard for the heartbeat timeout; it may come back.
        crashed: whether its process ended without a clean exit, or its machine came back without it.
        hung: whether its heartbeat has stopped; stays true when it ends or crashes while it hangs.
        ever_hung: whether it hung at some time, recovered or not.
        product: of which program it is a run.
        version: that program's version; `unknown` where it was not said.
        machine_id: what tells its machine from others, for good; null where it was not said.
        hostname: the name of its machine; null where it was not said.
        pid: the id of its main process; null where it was not said.
        reason: why it is what it is, in one sentence; null where nothing has happened to it.
        event_count: how many events it has, with what was detected about it.
        metric_count: how many metric records came in, a folded one counted once, vitals left out.
        exception_count: how many of its events are exceptions.
        refused_count: records that the server could not take.
        dropped_count: records that the application could not keep, for want of room.
        lost_count: records that were gone before they could be sent.
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
    """A whole session.

    Parts that were not asked for are absent: `state_history`, `events`, `metrics`, `vitals` and `refused`.

    Attributes:
        state: as it is now; begins with `product` and `version`.
        facts: what was said of its surroundings, such as `python`, `platform`, `argv` and `cwd`.
        processes: who logged into it, its main process first.
        verdicts: what became of it, in the order in which that became known.
        state_history: every state that it had, in the order in which changes came in.
        events: all of its events, by time.
        metrics: what was logged, by time.
        vitals: what DataCat sampled by itself, by time, such as `process_cpu_percent`.
        refused: the first 1,000 records that the server could not take, in the order in which they came.
    """

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
    """Part of a list of sessions.

    Attributes:
        sessions: the sessions, in the order of `sort`.
        cursor: asks for the next part; null at the end.
        total: how many sessions the filter picks, as far as they were counted.
        total_is_capped: whether there are more than `total`.
    """

    sessions: list[SessionSummary]
    cursor: str | None
    total: int
    total_is_capped: bool = False


PARTS = frozenset({"state_history", "events", "metrics", "vitals", "refused"})

encode = msgspec.json.Encoder().encode
