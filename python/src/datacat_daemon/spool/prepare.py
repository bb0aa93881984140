"""Makes the next segment of a writer ready, so that the application need not."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from datacat.quota import has_room
from datacat.segment import PREPARED, make_segment, segment_name

_LOOK = 32


class SegmentPreparer:
    """Keeps the segment ready that one writer will need next: made as soon as the one before is half full.

    Nothing is read for that but a few bytes in the middle of a segment: blocks are zeroed when they are allocated, and
    no record has so many zeros in a row. When the next one is there, its middle is watched.

    Args:
        folder: the session's folder in the spool.
        writer: the writer's name.
        sequence: its newest segment.
        quota: bytes that the segments of its process may take.
    """

    def __init__(self, folder: Path, writer: str, sequence: int, quota: int) -> None:
        self._quota = quota
        self._folder = str(folder)
        self._writer = writer
        self._sequence = sequence
        self._descriptor = -1
        self._size = 0

    def look(self) -> bool:
        """Make the next segment where it is time; whether it was.

        Raises OSError for want of room, or where the newest is gone.
        """
        made = False
        while self._is_half_full():
            # The last one is the program's to make: it may be making one, of another session too, at this moment.
            if not has_room(self._folder, self._size, self._quota - self._size):
                raise OSError(errno.ENOSPC, "the quota of the spool is used up")
            make_segment(self._folder, self._writer, self._sequence + 1, PREPARED, self._size)
            self.close()
            self._sequence += 1
            made = True
        return made

    def close(self) -> None:
        """Let go of the open segment; the next look opens it again."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _is_half_full(self) -> bool:
        if self._descriptor < 0:
            path = os.path.join(self._folder, str(segment_name(self._writer, self._sequence)))
            self._descriptor = os.open(path, os.O_RDONLY)
            self._size = os.fstat(self._descriptor).st_size
        return any(os.pread(self._descriptor, _LOOK, self._size // 2))
