"""The bodies of single calls, made into the same records that a batch holds."""

import time
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import uuid4

import msgspec
from msgspec import Meta, Raw, Struct, field
from msgspec.structs import asdict

from datacat_server.api.errors import BadRequest
from datacat_server.ingest.decode import decode_line
from datacat_server.ingest.records import (
    NOTHING,
    UNKNOWN_VERSION,
    EventRecord,
    MetricRecord,
    Record,
    SessionBatch,
    SessionLine,
    StateRecord,
    StatusRecord,
)
from datacat_server.ingest.unpack import BodyTooLarge
from datacat_server.ingest.validate import (
    FURTHEST_AHEAD,
    LARGEST_INTEGER,
    LONGEST_NAME,
    LONGEST_WORD,
    METRIC_TYPES,
    MOST_TAGS,
    SESSION_ID,
    check_record,
    check_session,
    check_session_id,
)

Moment = (
    Annotated[str, Meta(extra_json_schema={"format": "date-time"})]
    | Annotated[float, Meta(extra_json_schema={"minimum": 0, "exclusiveMaximum": 253_402_300_800})]
    | None
)
"""When something happened, as RFC 3339 or in seconds since 1970 UTC; null: now."""

_Name = Annotated[str, Meta(extra_json_schema={"minLength": 1, "maxLength": LONGEST_NAME})]
_Id = Annotated[str, Meta(extra_json_schema={"pattern": f"^({SESSION_ID})?$"})]
_Object = Annotated[Raw, Meta(extra_json_schema={"type": ["object", "null"]})]
_Type = Annotated[str, Meta(extra_json_schema={"enum": sorted(METRIC_TYPES)})]
_Tags = Annotated[
    list[Annotated[str, Meta(extra_json_schema={"maxLength": LONGEST_WORD})]],
    Meta(extra_json_schema={"maxItems": MOST_TAGS}),
]
_Count = Annotated[int | float, Meta(extra_json_schema={"type": "integer", "minimum": 0, "maximum": LARGEST_INTEGER})]
"""A whole number, also where it is written as 3.0, as languages with one kind of number do; `_whole` makes it one."""


def _nothing() -> Raw:
    return NOTHING


class NewSession(Struct, kw_only=True):
    """The body of `POST /api/sessions`.

    Attributes:
        product: of which program it is a run.
        version: that program's version; empty is `unknown`.
        id: the id, where the caller has chosen one: 1 to 128 letters, digits or `. _ : ~ -`; else it is a UUID.
        session_id: the same as `id`, which counts where both are there.
        timestamp: when it began: RFC 3339, or seconds since 1970 UTC; by default now.
        machine_id: what tells its machine from others, for good.
        hostname: the name of its machine.
        boot_id: another one after every start of the machine.
        pid: the id of its process.
        facts: what is to be known of its surroundings, such as `platform`; of more than 64 KB what fits is kept.
    """

    product: _Name
    version: Annotated[str, Meta(extra_json_schema={"maxLength": LONGEST_NAME})] = UNKNOWN_VERSION
    id: _Id | None = None
    session_id: _Id | None = None
    timestamp: Moment = None
    machine_id: str | None = None
    hostname: str | None = None
    boot_id: str | None = None
    pid: _Count | None = None
    facts: dict[str, Any] | None = None


class Timed(Struct):
    """When something happened, which every call may say.

    Attributes:
        timestamp: RFC 3339, or seconds since 1970 UTC; by default now.
    """

    timestamp: Moment = None


class NewEvent(Struct):
    """The body of a call that adds an event; what else it says is of no account.

    Attributes:
        name: what it is called, such as `moved`.
        timestamp: when it happened: RFC 3339, or seconds since 1970 UTC; by default now.
        level: debug, info, warning, error or critical; by default info, of an exception error.
        category: a word for its kind; where it is a level and `level` is absent, it is the level too.
        group: a word for what it belongs to.
        labels: words for it; the first 100 are kept.
        message: text for people.
        data: what else is to be known of it, an object of any shape.
        exception_type: the type of an exception, such as `KeyError`, which makes the event one.
        exception_msg: what the exception says.
        stacktrace: the lines of its traceback, as its language writes them.
        source_file: the file in which it was raised, or happened.
        source_line: the line of that file, from 1.
        source_function: the function in which that was.
    """

    name: _Name
    timestamp: Moment = None
    level: str | None = None
    category: str | None = None
    group: str | None = None
    labels: list[str] | None = None
    message: str | None = None
    data: _Object = field(default_factory=_nothing)
    exception_type: str | None = None
    exception_msg: str | None = None
    stacktrace: list[str] | None = None
    source_file: str | None = None
    source_line: _Count | None = None
    source_function: str | None = None


class NewMetric(Struct):
    """The body of a call that adds a reading, a delta or a sample; what else it says is of no account.

    Attributes:
        name: what the metric is called, such as `fps`.
        timestamp: when it was read: RFC 3339, or seconds since 1970 UTC; by default now.
        type: which kind of metric it is.
        value: a gauge's reading, a timer's duration, one sample of a histogram, or the total of a counter.
        delta: what to add to a counter, in place of `value`.
        unit: the unit of `value`, such as `seconds`.
        tags: words that tell series of one name apart; their order is of no account.
        count: of a timer, how many iterations it was for.
        buckets: of a histogram, the upper bounds of its buckets, at most 200; by default 15 from 0.001 to 60.
        metadata: what else is to be known of it, an object of any shape.
    """

    name: _Name
    timestamp: Moment = None
    type: _Type = "gauge"
    value: float | None = None
    delta: float | None = None
    unit: str | None = None
    tags: _Tags | None = None
    count: _Count | None = None
    buckets: list[float] | None = None
    metadata: _Object = field(default_factory=_nothing)


class Said(Struct):
    """What may be said of an end or a crash.

    Attributes:
        timestamp: when it was: RFC 3339, or seconds since 1970 UTC; by default now.
        reason: one sentence for people.
        data: the evidence, such as `exit_code`; shapes: docs/design/records.md, `status`.
    """

    timestamp: Moment = None
    reason: str | None = None
    data: dict[str, Any] | None = None


Patch = Annotated[
    dict[str, Any],
    Meta(
        description='The patch itself, or `{"state": patch, "timestamp"?: when}`. Objects merge key by key, null '
        "deletes its key, anything else replaces."
    ),
]
"""The body of a call that changes the state."""

Reading = Annotated[
    NewMetric,
    Meta(
        extra_json_schema={
            "anyOf": [
                {"required": ["value"], "properties": {"value": {"type": "number"}}},
                {
                    "required": ["type", "delta"],
                    "properties": {"type": {"const": "counter"}, "delta": {"type": "number"}},
                },
            ]
        }
    ),
]
"""The body of a call that adds to a metric: it has a value, or is a counter with a delta."""

_new_session = msgspec.json.Decoder(NewSession)
_timed = msgspec.json.Decoder(Timed)
_said = msgspec.json.Decoder(Said)
_event = msgspec.json.Decoder(NewEvent)
_metric = msgspec.json.Decoder(NewMetric)
_object = msgspec.json.Decoder(dict[str, Any])


def session_batch(body: bytes) -> SessionBatch:
    """The batch that creates a session."""
    new: NewSession = _decode(body, _new_session)
    header = SessionLine(
        id=new.id or new.session_id or str(uuid4()),
        product=new.product,
        version=new.version or UNKNOWN_VERSION,
        time=_microseconds(new.timestamp),
        machine_id=new.machine_id,
        hostname=new.hostname,
        boot_id=new.boot_id,
        pid=_whole("pid", new.pid),
        facts=new.facts,
    )
    try:
        if new.session_id:
            check_session_id("session_id", new.session_id)
        check_session(header)
    except ValueError as error:
        raise BadRequest(str(error)) from None
    return SessionBatch(header.id, header=header)


def event_batch(session_id: str, body: bytes) -> SessionBatch:
    said = asdict(_decode(body, _event))
    timestamp = said.pop("timestamp")
    said["source_line"] = _whole("source_line", said["source_line"])
    return _single(session_id, EventRecord(**said), timestamp)


def metric_batch(session_id: str, body: bytes) -> SessionBatch:
    said = asdict(_decode(body, _metric))
    timestamp = said.pop("timestamp")
    said["count"] = _whole("count", said["count"])
    return _single(session_id, MetricRecord(**said), timestamp)


def state_batch(session_id: str, body: bytes) -> SessionBatch:
    """The body is the patch, or `{"state": patch, "timestamp"?: ...}`."""
    content: dict[str, Any] = _decode(body, _object)
    if isinstance(content.get("state"), dict) and content.keys() <= {"state", "timestamp"}:
        return _single(session_id, StateRecord(state=content["state"]), _decode(body, _timed).timestamp)
    return _single(session_id, StateRecord(state=content), None)


def status_batch(session_id: str, body: bytes, status: str) -> SessionBatch:
    said: Said = _decode(body or b"{}", _said)
    return _single(session_id, StatusRecord(status=status, reason=said.reason, data=said.data), said.timestamp)


def heartbeat_batch(session_id: str, body: bytes) -> SessionBatch:
    return SessionBatch(session_id, heartbeat=_microseconds(_decode(body or b"{}", _timed).timestamp))


def _single(session_id: str, record: Record, timestamp: str | float | None) -> SessionBatch:
    record.time = _microseconds(timestamp)
    try:
        check_record(record)
    except ValueError as error:
        raise BadRequest(str(error)) from None
    return SessionBatch(session_id, records=[record])


def _decode(body: bytes, decoder: msgspec.json.Decoder[Any]) -> Any:
    try:
        return decode_line(body, decoder)
    except BodyTooLarge:
        raise
    except ValueError as error:
        raise BadRequest(str(error)) from None


def _whole(field: str, number: float | None) -> int | None:
    """The whole number that a number is; null stays null. Whether it lies in its range is not asked here."""
    if number is None or isinstance(number, int):
        return number
    if not number.is_integer():
        raise BadRequest(f"{field}: expected a whole number, got {number}")
    return int(number)


def _microseconds(timestamp: str | float | None) -> int:
    if timestamp is None:
        return time.time_ns() // 1000
    if isinstance(timestamp, str):
        try:
            moment = datetime.fromisoformat(timestamp)
        except ValueError:
            raise BadRequest("timestamp: expected RFC 3339, such as 2026-01-31T12:00:00Z, or seconds") from None
        timestamp = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    if not 0 <= timestamp < 253_402_300_800:
        raise BadRequest("timestamp: not a time between 1970 and 9999")
    microseconds = round(timestamp * 1_000_000)
    if microseconds > time.time_ns() // 1000 + FURTHEST_AHEAD:
        raise BadRequest("timestamp: more than a day ahead of the server's clock")
    return microseconds
