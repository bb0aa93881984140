"""Reads ahead of the shipper, for what cannot wait: urgent records, the last words, and how full a segment is.

The shipper reads at the pace of its server, which may be days behind; what a process said last is wanted at its death.
"""

from __future__ import annotations

import json
from collections import deque
from pathlib import Path
from typing import Any

from datacat.segment import EVENT, URGENT

from datacat_daemon.spool.log import DaemonLog
from datacat_daemon.spool.prepare import prepare_next
from datacat_daemon.spool.reader import Record, WriterReader, writers_in
from datacat_daemon.watching.verdict_writer import OWN_PREFIX

LAST_EVENTS = 5
_PASS_RECORDS = 20_000
_NEWEST_SEGMENTS = 2


class Scout:
    """The newest records of one session.

    Attributes:
        last_time: time of the newest record seen, microseconds since 1970 UTC, 0 before the first.
    """

    def __init__(self, folder: Path, log: DaemonLog) -> None:
        self.last_time = 0
        self._folder = folder
        self._log = log
        self._readers: dict[str, WriterReader] = {}
        self._prepared: dict[str, int] = {}
        self._last_events: deque[Record] = deque(maxlen=LAST_EVENTS)
        self._last_exception: Record | None = None

    def find_writers(self) -> None:
        """Look for writers that are new."""
        for writer in writers_in(self._folder):
            if writer not in self._readers and not writer.startswith(OWN_PREFIX):
                self._readers[writer] = WriterReader(self._folder, writer, newest=_NEWEST_SEGMENTS)

    def writers(self) -> list[str]:
        """The application's writers that are known."""
        return list(self._readers)

    def look(self, prepare: bool = True) -> bool:
        """Read what is new; True if an urgent record is among it.

        Args:
            prepare: make the next segment ready for writers that will need it soon.
        """
        urgent = False
        for reader in self._readers.values():
            for record in reader.read(_PASS_RECORDS):
                urgent |= self._note(record)
            if prepare and reader.half_full and self._prepared.get(reader.writer) != reader.sequence:
                self._prepared[reader.writer] = reader.sequence
                self._prepare(reader)
        return urgent

    def last_events(self) -> list[dict[str, Any]]:
        """Name and time (microseconds since 1970 UTC) of the last events, the newest last."""
        events = []
        for record in sorted(self._last_events, key=lambda record: record.time):
            content = _decode(record)
            if content is not None:
                events.append({"name": content.get("name"), "level": content.get("level"), "time": record.time})
        return events

    def last_exception(self) -> dict[str, Any] | None:
        """The payload of the last urgent event."""
        return None if self._last_exception is None else _decode(self._last_exception)

    def close(self) -> None:
        """Let go of the open segments."""
        for reader in self._readers.values():
            reader.close()

    def _note(self, record: Record) -> bool:
        self.last_time = max(self.last_time, record.time)
        if record.kind == EVENT:
            self._last_events.append(record)
            if record.flags & URGENT:
                self._last_exception = record
        return bool(record.flags & URGENT)

    def _prepare(self, reader: WriterReader) -> None:
        try:
            prepare_next(self._folder, reader)
        except OSError as error:
            self._log.write(f"no next segment for {reader.writer}: {error}")


def _decode(record: Record) -> dict[str, Any] | None:
    try:
        content = json.loads(record.payload)
    except ValueError:
        return None
    return content if isinstance(content, dict) else None
