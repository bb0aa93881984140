"""What the daemon itself says about a session: `status` records and a few events, in segments of its own."""

from __future__ import annotations

import json
import os
import uuid
from pathlib import Path

from datacat.segment import EVENT, MAX_PAYLOAD, STATUS, URGENT, SegmentWriter

from datacat_daemon.spool.reader import Record, WriterReader, writers_in
from datacat_daemon.watching.notice import Notice
from datacat_daemon.watching.verdict import Verdict

OWN_PREFIX = "daemon-"
VITALS_PREFIX = f"{OWN_PREFIX}vitals-"
_SEGMENT_SIZE = 1 << 15
_LARGE_SEGMENT_SIZE = 1 << 19


class VerdictWriter:
    """Writes verdicts and notices; what is written survives this daemon and is shipped exactly once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._writer: SegmentWriter | None = None

    def write(self, said: Verdict | Notice) -> None:
        """Commit one of them. Raises OSError where there is no room."""
        if isinstance(said, Verdict):
            self._writer_for(payload := _encode(said)).append(STATUS, URGENT, said.time, payload)
        else:
            payload = json.dumps(said.payload()).encode("ascii")
            self._writer_for(payload).append(EVENT, 0, said.time, payload)

    def close(self) -> None:
        """Let go of its segment; the next one is written by a new writer."""
        self._writer = None

    def _writer_for(self, payload: bytes) -> SegmentWriter:
        # Its segment stays as long as the session's folder does: it is how a later daemon knows what was said.
        size = _SEGMENT_SIZE if len(payload) <= _SEGMENT_SIZE // 2 else _LARGE_SEGMENT_SIZE
        if self._writer is None or self._writer.size < size:
            name = f"{OWN_PREFIX}{os.getpid()}-{uuid.uuid4().hex[:8]}"
            self._writer = SegmentWriter(str(self._folder), name, size)
        return self._writer


def verdicts_in(folder: Path) -> list[Verdict]:
    """What earlier daemons have already written about a session, in order. Raises OSError where it cannot be read."""
    found = []
    for writer in writers_in(folder):
        if writer.startswith(OWN_PREFIX) and not writer.startswith(VITALS_PREFIX):
            reader = WriterReader(folder, writer)
            found += [_decode(record) for record in reader.read(10_000) if record.kind == STATUS]
            reader.close()
            if reader.trouble is not None:
                raise reader.trouble
    return sorted(found, key=lambda verdict: verdict.time)


def _decode(record: Record) -> Verdict:
    content = json.loads(record.payload)
    return Verdict(content["status"], record.time, content["reason"], content["data"])


def _encode(verdict: Verdict) -> bytes:
    content = json.dumps(verdict.payload()).encode("ascii")
    if len(content) <= MAX_PAYLOAD:
        return content
    # Only stacks grow that large; those of the first threads say most.
    data = {**verdict.data, "stacks": verdict.data.get("stacks", [])[:20], "last_events": [], "cut": True}
    for thread in data["stacks"]:
        thread["frames"] = thread["frames"][:100]
    content = json.dumps({**verdict.payload(), "data": data}).encode("ascii")
    if len(content) <= MAX_PAYLOAD:
        return content
    return json.dumps({**verdict.payload(), "data": {"cut": True}}).encode("ascii")
