"""What of a session its server has not acknowledged yet, by what lies in its folder."""

from __future__ import annotations

from pathlib import Path

from datacat_daemon.spool.acknowledged import positions_in
from datacat_daemon.spool.reader import WriterReader, writers_in
from datacat_daemon.spool.removal import MANIFEST

_PASS_RECORDS = 10_000


class Waiting:
    """The records of a session that waited at the beginning. Raises OSError where they cannot be read.

    Args:
        folder: the session's folder in the spool.

    Attributes:
        total: how many they were.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._ranges: dict[str, tuple[int, int]] = {}
        acknowledged = positions_in(folder)
        for writer in writers_in(folder):
            reader = WriterReader(folder, writer, acknowledged.get(writer, 0))
            first: int | None = None
            while records := reader.read(_PASS_RECORDS, over=True):  # behind what is only unfinished stands nothing
                first = records[0].ordinal if first is None else first
            if first is not None:
                self._ranges[writer] = (first, reader.next)
            reader.close()
        self.total = sum(following - first for first, following in self._ranges.values())

    def count(self) -> int:
        """How many of them wait now: none, once the session has been removed."""
        if not (self._folder / MANIFEST).exists():
            return 0
        acknowledged = positions_in(self._folder)
        return sum(
            max(0, following - max(first, acknowledged.get(writer, 0)))
            for writer, (first, following) in self._ranges.items()
        )
