"""Fills a real store through the same decoding that the ingest call uses, with sessions worth looking at."""

import json
import math
import time
from dataclasses import dataclass, field
from typing import Any

from datacat_server.ingest.decode import decode_batches
from datacat_server.store.protocol import Store

SECOND = 1_000_000

CRASH_STACK = [
    {"file": "/srv/game/engine/gpu.py", "line": 88, "function": "upload_texture"},
    {"file": "/srv/game/game.py", "line": 212, "function": "render_frame"},
    {"file": "/srv/game/game.py", "line": 301, "function": "run"},
    {"file": "/usr/lib/python3.11/runpy.py", "line": 86, "function": "_run_code"},
]
AUDIO_STACK = [
    {"file": "/usr/lib/python3.11/threading.py", "line": 324, "function": "wait"},
    {"file": "/srv/game/audio.py", "line": 40, "function": "mix"},
]
TRACEBACK = [
    "Traceback (most recent call last):\n",
    '  File "/srv/game/game.py", line 301, in run\n    self.load(level)\n',
    '  File "/srv/game/levels.py", line 57, in load\n    spawn = self.data["spawn_point"]\n            ~~~~~^^^\n',
    "KeyError: 'spawn_point'\n",
]


@dataclass
class Recording:
    """The records of one session, to be sent as one batch; times are seconds after its start."""

    id: str
    product: str = "MyGame"
    version: str = "1.4.2"
    writer: str = "4711-ab12cd-0"
    hostname: str | None = "bluebird"
    started: float = field(default_factory=lambda: time.time() - 600)
    heartbeat: float | None = None  # the last one; else that of the newest record
    dropped: int = 0
    facts: dict[str, Any] = field(
        default_factory=lambda: {"python": "3.11.7", "platform": "Linux-6.18", "argv": ["game.py"]}
    )
    lines: list[dict[str, Any]] = field(default_factory=list)
    sent: int = 0

    def add(self, kind: str, at: float, **record: Any) -> "Recording":
        when = int((self.started + at) * SECOND)
        self.lines.append({"kind": kind, "writer": self.writer, "ordinal": len(self.lines), "time": when, **record})
        return self

    def event(self, at: float, name: str, **record: Any) -> "Recording":
        return self.add("event", at, name=name, **record)

    def state(self, at: float, **patch: Any) -> "Recording":
        return self.add("state", at, state=patch)

    def metric(self, at: float, name: str, kind: str, **record: Any) -> "Recording":
        return self.add("metric", at, name=name, type=kind, **record)

    def status(self, at: float, status: str, reason: str, **data: Any) -> "Recording":
        return self.add("status", at, status=status, reason=reason, data=data)

    def body(self) -> bytes:
        """What has not been sent yet, as the body of an ingest call."""
        start = int(self.started * SECOND)
        header = {"kind": "session", "id": self.id, "product": self.product, "version": self.version, "time": start}
        header |= {
            "machine_id": "m-1",
            "hostname": self.hostname,
            "pid": 4711,
            "facts": self.facts,
            "dropped": self.dropped,
        }
        newest = max((line["time"] for line in self.lines), default=start)
        header["last_heartbeat"] = newest if self.heartbeat is None else start + int(self.heartbeat * SECOND)
        writer = {"kind": "writer", "writer": self.writer, "first": self.sent, "next": len(self.lines)}
        lines = [header, writer, *self.lines[self.sent :]]
        self.sent = len(self.lines)
        return "\n".join(json.dumps(line) for line in lines).encode()

    def send(self, store: Store) -> None:
        batches, stray = decode_batches(self.body())
        assert not stray
        store.ingest(batches)


def played(recording: Recording, seconds: int, step: float = 1.0) -> Recording:
    """What a game logs while it is played."""
    recording.state(
        0.1, level=1, player={"health": 100, "position": {"x": 0.0, "y": 0.0}}, window_state={"open": ["map"]}
    )
    moments = int(seconds / step)
    for i in range(moments):
        at = 0.2 + i * step
        recording.event(at, "moved", data={"x": i, "y": 20})
        recording.metric(
            at, "fps", "gauge", value=60 + 4 * math.sin(i / 9) - (12 if i > moments * 0.9 else 0), unit="fps"
        )
        recording.metric(at, "memory", "gauge", value=4.2e8 + i / moments * 3.1e9, unit="bytes")
        recording.metric(at, "enemies_defeated", "counter", delta=i % 3, tags=["kind:wraith"])
        recording.metric(
            at, "frame_time", "histogram", value=0.012 + 0.02 * (i % 7 == 0) + 0.2 * (i % 97 == 0), unit="seconds"
        )
        if i % 17 == 5:
            recording.event(
                at + 0.1,
                "texture_evicted",
                level="warning",
                message="pool over budget",
                data={"pool": "terrain", "freed_mb": 0},
            )
        if i % 23 == 7:
            recording.state(
                at + 0.2, level=2 + i // 23, player={"health": 100 - i % 80, "position": {"x": i / 2, "y": 9.5}}
            )
        if i % 41 == 11:
            recording.metric(at, "load_level", "timer", value=3.2 + i % 5 / 10, unit="seconds", count=1)
        if i % 61 == 3:
            recording.event(
                at + 0.3,
                "autosave",
                level="debug",
                category="saving",
                labels=["disk"],
                data={"slot": 3, "bytes": 48211},
            )
    return recording


def exception(recording: Recording, at: float) -> Recording:
    """An exception, as `log_exception` records it."""
    return recording.event(
        at, "exception", level="error", exception_type="KeyError", exception_msg="'spawn_point'", stacktrace=TRACEBACK,
        source_file="/srv/game/levels.py", source_line=57, source_function="load", data={"context": "load_level"},
    )  # fmt: skip


def segfault(recording: Recording, at: float) -> Recording:
    """The verdict of a daemon on a process that a signal killed."""
    return recording.status(
        at, "crashed", "Killed by SIGSEGV (segmentation fault) in upload_texture (engine/gpu.py:88)",
        kind="signal", signal="SIGSEGV",
        stacks=[
            {"thread": "0x7f02", "name": "audio", "current": False, "frames": AUDIO_STACK},
            {"thread": "0x7f01", "name": "MainThread", "current": True, "frames": CRASH_STACK},
        ],
    )  # fmt: skip
