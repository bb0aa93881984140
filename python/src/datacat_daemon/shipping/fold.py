"""Folds what need not travel one by one: counter deltas and histogram samples become one record an interval.

A folded record stands where the last of those stood that it is made of, with its ordinal and time. The range of
ordinals that a batch settles stays as it was: the server counts those in between as settled. So a batch that is cut
otherwise the next time folds otherwise, and the sums are the same.

Records are folded with those of their own writer only, because a server may take one writer's range and know
another's already. What is not surely plain and right is left as it is, for the server to judge.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from typing import Any

from datacat.segment import METRIC

from datacat_daemon.spool.reader import Record

DEFAULT_BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""Upper bounds of a histogram for which none were given."""

MOST_BOUNDS = 200
MOST_TAGS = 100
LONGEST_TAG = 200
LONGEST_NAME = 1_000
"""What the server takes of a metric (docs/design/records.md)."""

_LARGEST = 2.0**53
_COUNTER_KEYS = {"name", "type", "delta", "tags"}
_HISTOGRAM_KEYS = {"name", "type", "value", "unit", "tags", "buckets"}

_Key = tuple[object, ...]


def _no_constant(word: str) -> float:
    raise ValueError(f"{word} is no JSON")


_decode = json.JSONDecoder(parse_constant=_no_constant).decode
_encode = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


class _Deltas:
    """Deltas of one counter."""

    def __init__(self, content: dict[str, Any]) -> None:
        self.content = content
        self.sum = content["delta"]

    def add(self, content: dict[str, Any]) -> None:
        self.sum += content["delta"]

    def folded(self) -> dict[str, Any]:
        return {**self.content, "delta": self.sum}


class _Samples:
    """Samples of one histogram."""

    def __init__(self, content: dict[str, Any]) -> None:
        self.content = content
        self.bounds = sorted({float(bound) for bound in content.get("buckets") or DEFAULT_BOUNDS})
        self.counts = [0] * (len(self.bounds) + 1)
        self.sum = 0.0
        self.min = self.max = content["value"]
        self.add(content)

    def add(self, content: dict[str, Any]) -> None:
        value = self.last = content["value"]
        self.counts[bisect_left(self.bounds, value)] += 1
        self.sum += value
        self.min = min(self.min, value)
        self.max = max(self.max, value)

    def folded(self) -> dict[str, Any]:
        samples = {"counts": self.counts, "sum": self.sum, "count": sum(self.counts)}
        samples |= {"min": self.min, "max": self.max, "last": self.last}
        content = {key: value for key, value in self.content.items() if key != "value"}
        return {**content, "buckets": self.bounds, "samples": samples}


class _Group:
    """Records that become one: where the last of them stands, and what they sum up to."""

    def __init__(self, index: int, record: Record, content: dict[str, Any]) -> None:
        self.index = index
        self.begin = record.time
        self.count = 1
        self.sums = _Deltas(content) if content["type"] == "counter" else _Samples(content)


def fold_metrics(records: list[Record], interval_us: int) -> list[Record]:
    """The records with those folded that can be; their order in time stays.

    Args:
        records: in the order in which they are to be applied.
        interval_us: microseconds that the records of a folded one may lie apart at most.
    """
    out: list[Record | None] = list(records)
    open_groups: dict[_Key, _Group] = {}
    folded: list[_Group] = []
    seen: dict[bytes, tuple[_Key | None, Any]] = {}
    for index, record in enumerate(records):
        if record.kind != METRIC:
            continue
        payload = record.payload
        if b'"counter"' not in payload and b'"histogram"' not in payload and b"\\" not in payload:
            continue
        try:
            if payload not in seen:
                seen[payload] = _read(payload)
            key, content = seen[payload]
        except (ValueError, RecursionError):
            open_groups.clear()  # it may be the total of a counter, beyond which nothing may be added up
            continue
        if key is None:
            if content.get("type") == "counter" and content.get("value") is not None:
                open_groups.clear()
            continue
        key = (record.writer, *key)
        group = open_groups.get(key)
        if group is None or not 0 <= record.time - group.begin < interval_us or not _adds_up(group, content):
            open_groups[key] = group = _Group(index, record, content)
            continue
        group.sums.add(content)
        if group.count == 1:
            folded.append(group)
        group.count += 1
        out[group.index] = None
        group.index = index
    for group in folded:
        last = records[group.index]
        out[group.index] = last._replace(payload=_encode(group.sums.folded()).encode("ascii"))
    return [record for record in out if record is not None]


def _read(payload: bytes) -> tuple[_Key | None, dict[str, Any]]:
    """A payload's content, and what it must have in common with those it is folded with; None for: not at all.

    Raises ValueError for what is no object.
    """
    content = _decode(payload.decode())
    if not isinstance(content, dict):
        raise ValueError("no object")
    return _key(content), content


def _key(content: dict[str, Any]) -> _Key | None:
    name, tags = content.get("name"), content.get("tags") or ()
    if not (isinstance(name, str) and 0 < len(name) <= LONGEST_NAME):
        return None
    if not (isinstance(tags, (list, tuple)) and len(tags) <= MOST_TAGS):
        return None
    if not all(isinstance(tag, str) and len(tag) <= LONGEST_TAG for tag in tags):
        return None
    tag_set = tuple(sorted(set(tags)))
    if content.get("type") == "counter":
        plain = content.keys() <= _COUNTER_KEYS and _is_number(content.get("delta"))
        return ("counter", name, tag_set) if plain else None
    if content.get("type") == "histogram":
        unit, bounds = content.get("unit"), content.get("buckets") or ()
        plain = content.keys() <= _HISTOGRAM_KEYS and _is_number(content.get("value"))
        plain = plain and isinstance(unit, (str, type(None)))
        if plain and isinstance(bounds, (list, tuple)) and len(bounds) <= MOST_BOUNDS and all(map(_is_number, bounds)):
            return ("histogram", name, tag_set, unit, tuple(bounds))
    return None


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and -_LARGEST <= value <= _LARGEST


def _adds_up(group: _Group, content: dict[str, Any]) -> bool:
    """The sum stays one that any JSON reader takes exactly."""
    return _is_number(group.sums.sum + (content["delta"] if "delta" in content else content["value"]))
