"""The newest reading of every series of metrics, as the REST API shows one (docs/design/records.md, `metric`)."""

from __future__ import annotations

import math
from bisect import bisect_left
from typing import Any

from datacat_daemon.shipping.fold import DEFAULT_BOUNDS
from datacat_daemon.times import rfc3339

MOST_SERIES = 2_000


class MetricsFold:
    """Takes metrics in the order of their time. A series is a name, type, tags and, of a histogram, bounds.

    A sum that no float holds leaves its series as it was.
    """

    def __init__(self) -> None:
        self._series: dict[Any, dict[str, Any]] = {}

    def add(self, time: int, payload: dict[str, Any]) -> None:
        """Take one metric's payload; `time` in microseconds since 1970 UTC."""
        kind = payload.get("type", "gauge")
        tags = tuple(sorted(set(payload.get("tags", ()))))
        bounds = tuple(sorted(set(payload.get("buckets") or DEFAULT_BOUNDS))) if kind == "histogram" else ()
        key = payload.get("name"), kind, tags, bounds
        if key not in self._series and len(self._series) >= MOST_SERIES:
            return
        before = self._series.pop(key, {})
        reading = {"timestamp": rfc3339(time), "name": key[0], "type": kind, "unit": None, "tags": list(tags)}
        reading.update({name: payload[name] for name in ("value", "unit", "metadata") if name in payload})
        if kind == "counter" and "delta" in payload:
            reading["value"] = before.get("value", 0) + payload["delta"]
        elif kind == "histogram":
            reading.update(_with_sample(before, bounds, payload["value"]))
        elif "count" in payload:
            reading["count"] = payload["count"]
        sums = reading.get("value"), reading.get("sum")
        self._series[key] = reading if all(map(_is_finite, sums)) or not before else before

    def readings(self) -> list[dict[str, Any]]:
        """The newest of each series, the newest last."""
        return list(self._series.values())


def _is_finite(value: Any) -> bool:
    try:
        return not isinstance(value, (int, float)) or math.isfinite(value)
    except OverflowError:
        return False


def _with_sample(before: dict[str, Any], bounds: tuple[float, ...], sample: float) -> dict[str, Any]:
    counts = [bucket["count"] for bucket in before.get("buckets", ())] or [0] * (len(bounds) + 1)
    counts[bisect_left(bounds, sample)] += 1
    total, count = before.get("sum", 0) + sample, before.get("count", 0) + 1
    buckets = [{"le": bound, "count": number} for bound, number in zip((*bounds, None), counts)]
    return {"value": total / count, "sum": total, "count": count, "buckets": buckets}
