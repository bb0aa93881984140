"""Keeps a session's vitals, in segments of a writer of the daemon's own.

They are worth less than anything that the application says: where there is no room they are dropped without a word, and
what waits for a server that is away is limited.
"""

from __future__ import annotations

import contextlib
import os
import uuid
from pathlib import Path

from datacat.segment import METRIC, SegmentWriter

from datacat_daemon.watching.verdict_writer import VITALS_PREFIX

_SEGMENT_SIZE = 1 << 16
_MOST_SEGMENTS = 128


class VitalsWriter:
    """Writes the samples of one session.

    Args:
        folder: the session's folder in the spool.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._writer: SegmentWriter | None = None

    def write(self, time_us: int, payloads: list[bytes]) -> None:
        """Commit the metrics of one sample, if there is room.

        Args:
            time_us: microseconds since 1970 UTC.
            payloads: of metric records.
        """
        with contextlib.suppress(OSError):
            if self._writer is None:
                name = f"{VITALS_PREFIX}{os.getpid()}-{uuid.uuid4().hex[:8]}"
                self._writer = SegmentWriter(str(self._folder), name, _SEGMENT_SIZE, self._has_room)
            for payload in payloads:
                self._writer.append(METRIC, 0, time_us, payload)

    def close(self) -> None:
        """Let go of its segment; the next sample is written by a new writer."""
        if self._writer is not None:
            self._writer.seal()
            self._writer = None

    def _has_room(self) -> bool:
        return sum(name.startswith(VITALS_PREFIX) for name in os.listdir(self._folder)) < _MOST_SEGMENTS
