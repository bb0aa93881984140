"""The records that applications and daemons send, and the batch of them that a store applies at once.

Shapes and rules: docs/design/records.md. Times are whole microseconds since 1970 UTC. The structs describe types only;
what a type cannot say (a known level, a whole series of bounds) is checked in `validate`.
"""

from dataclasses import dataclass, field
from typing import Any

from msgspec import Raw, Struct

NOTHING = Raw(b"")
"""What a `Raw` field holds when its key was absent."""

UNKNOWN_VERSION = "unknown"
"""The version of a session whose sender did not say; it never takes the place of one that is known."""


class SessionLine(Struct, tag_field="kind", tag="session", kw_only=True):
    """What a session is; creates it or brings it up to date."""

    id: str
    product: str
    version: str = UNKNOWN_VERSION
    time: int
    machine_id: str | None = None
    hostname: str | None = None
    boot_id: str | None = None
    """Another one after every start of the machine."""
    pid: int | None = None
    facts: dict[str, Any] | None = None
    last_heartbeat: int | None = None
    dropped: int | None = None
    state_changes: int | None = None
    """How often the session's state must have changed by now for what follows to be applied; null for any number."""
    records: int | None = None
    """How many records follow for the session in this body; null where its sender does not say."""


class WriterLine(Struct, tag_field="kind", tag="writer", kw_only=True):
    """The ordinals `[first, next)` of a writer that a batch settles; `lost`: a gap in front of them is for good."""

    writer: str
    first: int
    next: int
    lost: bool = False


class EventRecord(Struct, tag_field="kind", tag="event", kw_only=True, gc=False):
    """Something that happened. It can be part of no circle, so nobody has to look for it in one."""

    writer: str | None = None
    ordinal: int | None = None
    time: int = 0
    name: str
    level: str | None = None
    category: str | None = None
    group: str | None = None
    labels: list[str] | None = None
    message: str | None = None
    data: Raw = NOTHING
    exception_type: str | None = None
    exception_msg: str | None = None
    stacktrace: list[str] | None = None
    source_file: str | None = None
    source_line: int | None = None
    source_function: str | None = None


class StateRecord(Struct, tag_field="kind", tag="state", kw_only=True):
    """A patch that is merged deeply into the state of the session."""

    writer: str | None = None
    ordinal: int | None = None
    time: int = 0
    state: dict[str, Any]


class Samples(Struct, kw_only=True):
    """Samples of a histogram that a daemon has folded: one count for each bound and one for what is above them all."""

    counts: list[int]
    count: int
    sum: float
    min: float
    max: float
    last: float


class MetricRecord(Struct, tag_field="kind", tag="metric", kw_only=True):
    """One reading of a gauge or timer, one delta or total of a counter, one sample of a histogram or many folded."""

    writer: str | None = None
    ordinal: int | None = None
    time: int = 0
    name: str
    type: str = "gauge"
    value: float | None = None
    delta: float | None = None
    unit: str | None = None
    tags: list[str] | None = None
    count: int | None = None
    buckets: list[float] | None = None
    samples: Samples | None = None
    metadata: Raw = NOTHING


class StatusRecord(Struct, tag_field="kind", tag="status", kw_only=True):
    """What is known about the process: ended, crashed, hung, recovered, suspended or resumed."""

    writer: str | None = None
    ordinal: int | None = None
    time: int = 0
    status: str
    reason: str | None = None
    data: dict[str, Any] | None = None


Record = EventRecord | StateRecord | MetricRecord | StatusRecord
Line = SessionLine | WriterLine | Record


class Refused(Struct, kw_only=True, frozen=True):
    """A record that could not be taken: where it stood, and what to do about it.

    Attributes:
        session: the id of its session; null where no session line before it could be taken.
        writer: the writer that it names; null where it names none.
        ordinal: its number among those of its writer; null where it has none.
        line: its line in the body, from 1; null where it was read, but could not be applied.
        error: `bad_request`, or `too_large` for a line of more than 1 MB.
        details: what is wrong; begins with the name of the field.
    """

    session: str | None
    writer: str | None
    ordinal: int | None
    line: int | None
    error: str
    details: str


@dataclass(slots=True)
class SessionBatch:
    """Records of one session, in the order in which they are to be applied.

    Without `writers` the records are applied as they are: a single REST call has no ordinals. Without `header` the
    session has to exist already. `unnamed_refusals`: how many were refused beyond those in `refused`.
    `refused_records`: how many of what was refused were records, named or not. `replayed`: it comes from an export; it
    is folded like any other, but is no sign of life, and nothing is done or told for it.
    `presumed`: it holds a verdict of the server's own, on a session whose machine was back at that time without it.
    """

    id: str
    header: SessionLine | None = None
    writers: list[WriterLine] = field(default_factory=list)
    records: list[Record] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    unnamed_refusals: int = 0
    refused_records: int = 0
    heartbeat: int | None = None
    replayed: bool = False
    presumed: int | None = None

    @property
    def heard(self) -> bool:
        """Whether it came from the session."""
        return not self.replayed and self.presumed is None
