"""Checks that types alone cannot make. Each raises ValueError with `field: what is wrong` and may tidy the record."""

import re
import time
from collections.abc import Sequence
from itertools import chain, islice
from typing import Any

import msgspec
from msgspec import Raw

from datacat_server.ingest.explain import explain
from datacat_server.ingest.histogram import DEFAULT_BOUNDS, check_bounds, check_samples
from datacat_server.ingest.lifecycle import STATUSES
from datacat_server.ingest.records import (
    EventRecord,
    MetricRecord,
    Record,
    Samples,
    SessionLine,
    StateRecord,
    StatusRecord,
    WriterLine,
)
from datacat_server.model import Level

LATEST_TIME = 253_402_300_799_999_999  # the end of the year 9999, the last that RFC 3339 can write
LARGEST_INTEGER = 2**53
LONGEST_NAME = 1_000
LONGEST_WRITER = 200
LONGEST_WORD = 200
LARGEST_FACTS = 64 * 1024
FURTHEST_AHEAD = 86_400_000_000  # a day: no time zone and no clock that is looked after is further off
MOST_TAGS = 100
DEEPEST = 64
METRIC_TYPES = frozenset({"gauge", "counter", "histogram", "timer"})
LEVELS = frozenset(str(level) for level in Level)
_ORDINARY_LEVELS = LEVELS | {None}
_INFO, _ERROR = str(Level.INFO), str(Level.ERROR)
LEVEL_ALIASES = {"warn": "warning", "fatal": "critical", "notice": "info", "trace": "debug"}

SESSION_ID = r"[A-Za-z0-9][A-Za-z0-9._:~-]{0,127}"

_session_id = re.compile(SESSION_ID)


def check_session_id(field: str, value: str) -> None:
    if not _session_id.fullmatch(value):
        raise ValueError(f"{field}: expected 1 to 128 letters, digits or . _ : ~ - and a letter or digit first")


def check_session(line: SessionLine) -> None:
    check_session_id("id", line.id)
    _check_name("product", line.product)
    _check_name("version", line.version)
    line.time = _checked_time("time", line.time)
    if line.last_heartbeat is not None:
        line.last_heartbeat = _checked_time("last_heartbeat", line.last_heartbeat)
    line.machine_id, line.hostname = _cut(line.machine_id), _cut(line.hostname)
    line.boot_id = _cut(line.boot_id)
    line.facts = _cut_facts(line.facts)
    _check_count("pid", line.pid)
    _check_count("dropped", line.dropped)
    _check_count("state_changes", line.state_changes)
    _check_count("records", line.records)


def check_writer(line: WriterLine) -> None:
    if not 0 < len(line.writer) <= LONGEST_WRITER:
        raise ValueError(f"writer: expected 1 to {LONGEST_WRITER} characters")
    _check_count("first", line.first)
    _check_count("next", line.next)
    if line.next < line.first:
        raise ValueError("next: must not be below first")


def check_record(record: Record) -> None:
    match record:
        case EventRecord():
            record.data = _object("data", record.data)
        case MetricRecord():
            record.metadata = _object("metadata", record.metadata)
    check_fields(record)


def check_fields(record: Record) -> None:
    """The same for a record whose `data` or `metadata` has been read already (`objects_of`)."""
    match record:
        case EventRecord():
            check_event(record, latest_time())
            return
        case MetricRecord():
            _check_metric(record)
        case StatusRecord():
            if record.status not in STATUSES:
                raise ValueError(f"status: expected one of {', '.join(sorted(STATUSES))}")
            record.reason = _cut(record.reason, LONGEST_NAME)
        case StateRecord():
            pass
    record.time = _checked_time("time", record.time)


def check_depth(line: bytes) -> None:
    """Refuse what is nested deeper than `DEEPEST`, before anything recursive looks at it."""
    if line.count(b"{") + line.count(b"[") <= DEEPEST:
        return
    brackets = _strings.sub(b"", line).translate(_SQUARE, _NO_BRACKETS)
    # Each round takes the innermost level off everywhere: no loop over the brackets themselves.
    for _ in range(DEEPEST):
        rest = brackets.replace(b"[]", b"")
        if len(rest) == len(brackets):
            break
        brackets = rest
    if b"[]" in brackets or brackets.count(b"[") > DEEPEST:
        raise ValueError(f"{_deep_field(line)}: nested deeper than {DEEPEST} levels")


def _deep_field(line: bytes) -> str:
    """The field of a record that is nested too deep; "record" where that takes long to find."""
    depth, field = 0, b"record"
    for found in islice(_tokens.finditer(line), _MOST_TOKENS):
        match found[0][:1]:
            case b"{" | b"[":
                depth += 1
                if depth > DEEPEST:
                    return field.decode(errors="replace")
            case b"}" | b"]":
                depth -= 1
            case _ if depth == 1 and 2 < len(found[0]) <= LONGEST_WORD:
                field = found[0][1:-1]
    return "record"


# A string without an end goes on to the end of the line, and nothing is ever tried twice: linear in the line's length.
_strings = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_tokens = re.compile(_strings.pattern + rb"|[][{}]", re.DOTALL)
_MOST_TOKENS = 10_000
_SQUARE = bytes.maketrans(b"{}", b"[]")
_NO_BRACKETS = bytes(set(range(256)) - set(b"{}[]"))


def check_event(record: EventRecord, latest: int) -> None:
    """`check_fields` of an event; `latest`: the `latest_time` of a moment ago."""
    # Of most events nothing is to be said; they must not pay for it.
    if not 0 <= record.time <= latest:
        record.time = _checked_time("time", record.time)
    if not 0 < len(record.name) <= LONGEST_NAME:
        _check_name("name", record.name)
    if record.level is None and record.category is None and record.exception_type is None:
        record.level = _INFO
    elif record.level not in LEVELS:
        record.level = _level_of(record)
    if record.source_line is not None:
        _check_count("source_line", record.source_line)
    if record.category is not None:
        record.category = _cut(record.category)
    if record.group is not None:
        record.group = _cut(record.group)
    if record.labels:
        record.labels = [label[:LONGEST_WORD] for label in record.labels[:MOST_TAGS]]


def check_events(records: Sequence[EventRecord], latest: int) -> bool:
    """`check_event` for many of which nothing is to be said; False, and nothing done, where `check_event` is needed."""
    times = [record.time for record in records]
    if min(times) < 0 or max(times) > latest:
        return False
    lengths = [len(record.name) for record in records]
    if not 0 < min(lengths) <= max(lengths) <= LONGEST_NAME:
        return False
    levels = {record.level for record in records}
    if not levels <= _ORDINARY_LEVELS:
        return False
    words = {record.category for record in records} | {record.group for record in records}
    if max([len(word) for word in words if word is not None], default=0) > LONGEST_WORD:
        return False
    if {record.source_line for record in records} != {None}:
        return False
    labels = [record.labels for record in records if record.labels]
    if labels and (max(map(len, labels)) > MOST_TAGS or max(map(len, chain.from_iterable(labels))) > LONGEST_WORD):
        return False
    if None in levels:
        for record in records:
            if record.level is None:
                ordinary = record.category is None and record.exception_type is None
                record.level = _INFO if ordinary else _level_of(record)
    return True


def _level_of(record: EventRecord) -> str:
    """The level of an event that has none, or one that is none of ours, which goes into the data."""
    said = record.level if record.level is not None else record.category
    if said is not None and (level := _standard_level(said)) is not None:
        return level
    if record.level is not None:
        record.data = _with_level(record.data, record.level)
        return _INFO
    return _ERROR if record.exception_type is not None else _INFO


def _with_level(data: Raw, level: str) -> Raw:
    """The data with a level that is none of ours, unless they have something under that name."""
    content: dict[str, Any] = _any_object.decode(bytes(data) or b"{}")
    return Raw(msgspec.json.encode({"level": _cut(level)} | content))


def _standard_level(word: str) -> str | None:
    word = word.lower()
    word = LEVEL_ALIASES.get(word, word)
    return word if word in LEVELS else None


def _check_metric(record: MetricRecord) -> None:
    _check_name("name", record.name)
    if record.type not in METRIC_TYPES:
        raise ValueError(f"type: expected one of {', '.join(sorted(METRIC_TYPES))}")
    if record.samples is not None:
        _check_samples(record, record.samples)
    elif record.value is None and (record.type != "counter" or record.delta is None):
        raise ValueError("value: is missing")
    _check_count("count", record.count)
    record.unit = _cut(record.unit)
    if record.tags:
        if len(record.tags) > MOST_TAGS:
            raise ValueError(f"tags: more than {MOST_TAGS}")
        if any(len(tag) > LONGEST_WORD for tag in record.tags):
            raise ValueError(f"tags: one is longer than {LONGEST_WORD} characters")
        record.tags = sorted(set(record.tags))
    if record.type == "histogram":
        if record.buckets:
            record.buckets = check_bounds(record.buckets)
        else:
            record.buckets = DEFAULT_BOUNDS


def _check_samples(record: MetricRecord, samples: Samples) -> None:
    if record.type != "histogram":
        raise ValueError("samples: only a histogram has them")
    if record.value is not None:
        raise ValueError("value: either one value or samples")
    if not record.buckets or check_bounds(record.buckets) != record.buckets:
        raise ValueError("buckets: samples need their bounds, in rising order")
    check_samples(samples, record.buckets)


def _check_name(field: str, value: str) -> None:
    if not value:
        raise ValueError(f"{field}: must not be empty")
    if len(value) > LONGEST_NAME:
        raise ValueError(f"{field}: longer than {LONGEST_NAME} characters")


def latest_time() -> int:
    """The last time that is believed, in microseconds: a clock that is further ahead is wrong."""
    return time.time_ns() // 1000 + FURTHEST_AHEAD


def _checked_time(field: str, value: int) -> int:
    """The time, or now where a clock that is far ahead claims a time to come. Raises ValueError for no time at all."""
    if not 0 <= value <= LATEST_TIME:
        raise ValueError(f"{field}: not a time between 1970 and 9999")
    latest = latest_time()
    return latest - FURTHEST_AHEAD if value > latest else value


def _cut(text: str | None, length: int = LONGEST_WORD) -> str | None:
    return text if text is None or len(text) <= length else text[: length - 1] + "…"


def _cut_facts(facts: dict[str, Any] | None) -> dict[str, Any] | None:
    """The facts; of ones that are too large, those that fit, and a mark in place of each other."""
    if not facts or len(msgspec.json.encode(facts)) <= LARGEST_FACTS:
        return facts
    kept: dict[str, Any] = {}
    size = 0
    for name, value in list(facts.items())[:MOST_TAGS]:
        length = len(msgspec.json.encode(value))
        fits = size + length <= LARGEST_FACTS
        kept[name[:LONGEST_WORD]] = value if fits else "… (too large)"
        size += length if fits else 0
    return kept


def _check_count(field: str, value: int | None) -> None:
    if value is not None and not 0 <= value <= LARGEST_INTEGER:
        raise ValueError(f"{field}: expected a whole number from 0 to {LARGEST_INTEGER}")


def _object(field: str, raw: Raw) -> Raw:
    """An object as it is; nothing for null or an absent key."""
    content = bytes(raw)
    if not content or content == b"null":
        return _NOTHING
    if not content.startswith(b"{"):
        raise ValueError(f"{field}: expected an object")
    # Raw is only scanned for where it ends; reading it once here is what lets every reader trust it.
    try:
        _any_object.decode(content)
    except msgspec.MsgspecError as error:
        raise ValueError(explain(error, field)) from None
    return raw


def objects_of(raws: list[Raw]) -> list[dict[str, Any] | None] | None:
    """The objects that these are, None among them for null; None in all where one is neither."""
    try:
        found = _any_objects.decode_lines(b"\n".join(raws))
    except (msgspec.MsgspecError, RecursionError):
        return None
    return found if len(found) == len(raws) else None


_NOTHING = Raw(b"")
_any_object = msgspec.json.Decoder(dict[str, Any])
_any_objects = msgspec.json.Decoder(dict[str, Any] | None)
