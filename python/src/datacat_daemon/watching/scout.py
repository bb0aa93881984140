"""The application's own writers of a session: the next segment of each kept ready, and what they said last.

Nothing is read ahead of the shipper while the process lives: the control page tells of what cannot wait. But the
shipper reads at the pace of its server, which may be days behind; what a process said last is wanted at its death.
"""

from __future__ import annotations

import json
import time
from collections.abc import Container
from pathlib import Path
from typing import Any

from datacat_daemon.spool.descriptors import MOST_WRITERS_OPEN
from datacat_daemon.spool.log import DaemonLog
from datacat_daemon.spool.prepare import SegmentPreparer
from datacat_daemon.spool.reader import Record, writers_in
from datacat_daemon.spool.tail import LastWords, last_words
from datacat_daemon.times import rfc3339
from datacat_daemon.watching.verdict_writer import OWN_PREFIX

LAST_EVENTS = 5
_RETRY_SECONDS = 1.0
_BUSY_SECONDS = 5.0


class Scout:
    """The application's writers of one session.

    Args:
        folder: the session's folder in the spool.
        log: where troubles are written.
        quota: bytes that the segments of the session's process may take.
    """

    def __init__(self, folder: Path, log: DaemonLog, quota: int) -> None:
        self._quota = quota
        self._folder = folder
        self._log = log
        self._preparers: dict[str, SegmentPreparer] = {}
        self._retry_at: dict[str, float] = {}
        self._words: LastWords | None = None
        self._busy_until = 0.0

    @property
    def last_time(self) -> int:
        """Time of the newest record, microseconds since 1970 UTC, 0 before the first."""
        return self._last_words().time

    @property
    def busy(self) -> bool:
        """A next segment was needed within the last seconds."""
        return time.monotonic() < self._busy_until

    def find_writers(self, ended: Container[str] = ()) -> None:
        """Look for writers that are new, and let go of what is gone. Raises OSError where the folder cannot be read.

        Args:
            ended: writers that will not need another segment.
        """
        writers = self._writers()
        for writer in list(self._preparers):
            if writer not in writers or writer in ended:
                self._preparers.pop(writer).close()  # a file that is open is not given back, though it is deleted
        for writer, sequences in writers.items():
            if writer not in self._preparers and writer not in ended:
                self._preparers[writer] = SegmentPreparer(self._folder, writer, sequences[-1], self._quota)

    def prepare(self) -> None:
        """Make the next segment ready for writers that will need it soon."""
        for writer, preparer in list(self._preparers.items()):
            if writer in self._retry_at and time.monotonic() < self._retry_at[writer]:
                continue
            try:
                if preparer.look():
                    self._busy_until = time.monotonic() + _BUSY_SECONDS
                if len(self._preparers) > MOST_WRITERS_OPEN:
                    preparer.close()
            except FileNotFoundError:
                self._preparers.pop(writer).close()  # shipped, or deleted by somebody: found again if one is newer
            except OSError as error:
                self._retry_at[writer] = time.monotonic() + _RETRY_SECONDS
                self._log.write(f"no next segment for {writer}: {error}")

    def read_last_words(self, wants_exception: bool = True) -> None:
        """Read what was said last. Raises OSError where the folder cannot be read.

        Args:
            wants_exception: there was one, and it is to be found.
        """
        self._words = last_words(self._folder, self._writers(), LAST_EVENTS, wants_exception)

    def last_events(self) -> list[dict[str, Any]]:
        """Name, level and time (RFC 3339) of the last events, the newest last."""
        events = []
        for record in self._last_words().events:
            content = _decode(record)
            if content is not None:
                events.append(
                    {"name": content.get("name"), "level": content.get("level"), "time": rfc3339(record.time)}
                )
        return events

    def last_exception(self) -> dict[str, Any] | None:
        """The payload of the last urgent event."""
        urgent = self._last_words().urgent
        return None if urgent is None else _decode(urgent)

    def close(self) -> None:
        """Let go of the open segments."""
        for preparer in self._preparers.values():
            preparer.close()

    def _last_words(self) -> LastWords:
        if self._words is None:
            self.read_last_words()
        assert self._words is not None
        return self._words

    def _writers(self) -> dict[str, list[int]]:
        writers = writers_in(self._folder)
        return {writer: sequences for writer, sequences in writers.items() if not writer.startswith(OWN_PREFIX)}


def _decode(record: Record) -> dict[str, Any] | None:
    try:
        content = json.loads(record.payload)
    except ValueError:
        return None
    return content if isinstance(content, dict) else None
