"""What a session's records come to, as far as they are known here: its state, last events, metrics and standing."""

from __future__ import annotations

import json
from collections import deque
from typing import Any

from datacat.segment import EVENT, METRIC, STATE, STATUS

from datacat_daemon.http.bodies import LEVELS
from datacat_daemon.http.metrics_fold import MetricsFold
from datacat_daemon.times import rfc3339

MOST_EVENTS = 100
MOST_EVENT_BYTES = 1 << 20
MOST_STATE_BYTES = 4 << 20
_OBJECTS = 4  # what JSON takes as objects, about
_READING_BYTES = 1_000
_TOLD = {
    "crashed": ("session_crashed_detected", "critical"),
    "hung": ("application_appears_hung", "error"),
    "recovered": ("application_recovered", "info"),
}


class Fold:
    """Takes the payloads of a session's records, in the order of their time.

    Attributes:
        state: merged.
        metrics: of the application.
        vitals: DataCat's own samples.
        updated: time of the newest record, microseconds since 1970 UTC, 0 before the first.
        ended, crashed, hung, suspended, reason: as the verdicts have it; `ended` a time or None.
    """

    def __init__(self, product: str, version: str) -> None:
        self._begun_as = {"product": product, "version": version}
        self.state: dict[str, Any] = dict(self._begun_as)
        self.metrics = MetricsFold()
        self.vitals = MetricsFold()
        self.updated = 0
        self.ended: int | None = None
        self.crashed = False
        self.hung = False
        self.suspended = False
        self.reason: str | None = None
        self._events: deque[tuple[int, bytes]] = deque()
        self._event_bytes = 0
        self._patch_bytes = 0
        self._measured = 0

    @property
    def size(self) -> int:
        """Bytes that it takes, about."""
        series = len(self.metrics.readings()) + len(self.vitals.readings())
        state = max(self._patch_bytes, self._measured) * _OBJECTS
        return self._event_bytes + state + series * _READING_BYTES

    def add(self, kind: int, time: int, payload: bytes, by_daemon: bool = False) -> None:
        """Take one record. What cannot be read is passed over: the server is the one to judge it.

        Args:
            kind, time, payload: the record's; the time in microseconds since 1970 UTC.
            by_daemon: a daemon wrote it.
        """
        self.updated = max(self.updated, time)
        try:
            if kind == EVENT:
                self._keep_event(time, payload)
            elif kind == STATE:
                self._merge(json.loads(payload)["state"], len(payload))
            elif kind == METRIC:
                (self.vitals if by_daemon else self.metrics).add(time, json.loads(payload))
            elif kind == STATUS:
                self._judge(time, json.loads(payload))
        except (ValueError, KeyError, TypeError, AttributeError):
            return

    def without_records(self) -> Fold:
        """The same session's standing, with neither state, events nor metrics."""
        bare = Fold(**self._begun_as)
        for name in ("updated", "ended", "crashed", "hung", "suspended", "reason"):
            setattr(bare, name, getattr(self, name))
        return bare

    def events(self) -> list[dict[str, Any]]:
        """The last events, the newest last."""
        return [_event(time, json.loads(payload)) for time, payload in sorted(self._events)]

    def _keep_event(self, time: int, payload: bytes) -> None:
        self._events.append((time, payload))
        self._event_bytes += len(payload)
        while len(self._events) > MOST_EVENTS or self._event_bytes > MOST_EVENT_BYTES:
            self._event_bytes -= len(self._events.popleft()[1])

    def _merge(self, patch: dict[str, Any], size: int) -> None:
        merged = merge(self.state, patch)
        self._patch_bytes += size
        if self._patch_bytes > MOST_STATE_BYTES:  # perhaps too large: only now is it worth a measure
            measured = len(json.dumps(merged))
            if measured > MOST_STATE_BYTES:
                return  # the server refuses it, too
            self._patch_bytes = measured // 2
            self._measured = measured
        self.state = merged

    def _judge(self, time: int, payload: dict[str, Any]) -> None:
        status = payload["status"]
        if status in _TOLD:
            name, level = _TOLD[status]
            told = {"name": name, "level": level, "category": "datacat", "message": payload.get("reason")}
            self._keep_event(time, json.dumps({**told, "data": payload.get("data") or {}}).encode("ascii"))
        if status in ("ended", "crashed"):
            self.ended, self.crashed, self.suspended = time, status == "crashed", False
        elif status in ("hung", "recovered"):
            self.hung = status == "hung"
        else:
            self.suspended = status == "suspended"
        self.reason = payload.get("reason")


def merge(state: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    """The state after a patch (RFC 7396): objects merge, null deletes, all else replaces. Both stay as they are."""
    merged = dict(state)
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, dict):
            old = merged.get(key)
            merged[key] = merge(old if isinstance(old, dict) else {}, value)
        else:
            merged[key] = value
    return merged


def _event(time: int, payload: dict[str, Any]) -> dict[str, Any]:
    level = payload.get("level") or (payload.get("category") if payload.get("category") in LEVELS else None)
    common: dict[str, Any] = {
        "timestamp": rfc3339(time),
        "name": payload.get("name"),
        "level": level or ("error" if "exception_type" in payload else "info"),
        "category": None,
        "group": None,
        "labels": [],
        "message": None,
        "data": {},
    }
    return {**common, **{key: value for key, value in payload.items() if key != "level"}}
