"""Makes the next segment of a writer ready, so that the application need not."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from datacat.quota import has_room
from datacat.segment import PREPARED, make_segment, segment_name

from datacat_daemon.spool.files import open_to_read, read_at

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
        """Make the next segment where it is time, unless the program has; whether it was.

        Raises OSError for want of room, FileNotFoundError where the one that it watches is gone.
        """
        made = False
        while self._is_half_full():
            if not os.fstat(self._descriptor).st_nlink:
                # Shipped meanwhile, so the next one has begun. It may be gone, too: nobody would take up another.
                raise FileNotFoundError(errno.ENOENT, "the segment has been shipped")
            if not os.path.exists(self._path(self._sequence + 1)):
                self._make(self._sequence + 1)
            self.close()
            self._sequence += 1
            made = True
        return made

    def close(self) -> None:
        """Let go of the open segment; the next look opens it again."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _make(self, sequence: int) -> None:
        # The last one is the program's to make: it may be making one, of another session too, at this moment.
        if not has_room(self._folder, self._size, self._quota - self._size):
            raise OSError(errno.ENOSPC, "the quota of the spool is used up")
        make_segment(self._folder, self._writer, sequence, PREPARED, self._size)

    def _path(self, sequence: int) -> str:
        return os.path.join(self._folder, str(segment_name(self._writer, sequence)))

    def _is_half_full(self) -> bool:
        if self._descriptor < 0:
            self._descriptor = open_to_read(self._path(self._sequence))
            self._size = os.fstat(self._descriptor).st_size
        return any(read_at(self._descriptor, _LOOK, self._size // 2))
