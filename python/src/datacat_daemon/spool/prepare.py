"""Makes the next segment of a writer ready, so that the application need not."""

from __future__ import annotations

from pathlib import Path

from datacat.segment import PREPARED, make_segment

from datacat_daemon.spool.reader import WriterReader


def prepare_next(folder: Path, reader: WriterReader) -> None:
    """Make the segment that a writer will need next, unless it is there. Raises OSError for want of room."""
    make_segment(str(folder), reader.writer, reader.sequence + 1, PREPARED, reader.size)
