"""The reader's side of a writer's chain of segments (layout and commit rule: `datacat.segment`).

Nothing here raises on damage. A reader stops in front of what is not a committed record and looks again on the next
call. Only what the writer has left behind for good is known to be damage: it has begun a later segment, or will never
write again. Then the reader goes on at the next committed record behind it, which the rest of the segment is searched
for. How many records the damage has cost nobody knows then; it counts as one, until the next segment's header tells.
What is lost is known by the jump of the ordinals, of missing segments too. A file that cannot be read for another
reason (no descriptor left, a failing disk) is not passed over: `trouble` says so, and what is in it counts as unread.

Files are read, not mapped: a file that somebody cuts short would end the daemon by SIGBUS.
"""

from __future__ import annotations

import os
import struct
import sys
import zlib
from enum import Enum
from pathlib import Path
from typing import NamedTuple

from datacat import segment as layout

from datacat_daemon.spool.files import open_to_read, read_at

_FIRST_LOOK = 4096
_CHUNK = 1 << 18
_HEAD = struct.Struct("=IQBB")  # length, and of the body time, kind, flags
_SEAM = struct.Struct("=IIQBB")  # checksum of one record, and the head of the next: read in one step
_KINDS = (layout.EVENT, layout.STATE, layout.METRIC, layout.STATUS)
_SUFFIX = ".segment"


class Record(NamedTuple):
    """One committed record: `time` in microseconds since 1970 UTC, `payload` a JSON object in UTF-8."""

    writer: str
    ordinal: int
    time: int
    kind: int
    flags: int
    payload: bytes


class _Stop(Enum):
    LIMIT = "as many records as were asked for"
    WAIT = "nothing committed here yet, or damage"
    SEAL = "the chain goes on in the next segment"


class Header(NamedTuple):
    """Of a segment: its place in the chain, the ordinal of its first record, its size in bytes."""

    sequence: int
    ordinal: int
    size: int


def writers_in(folder: Path) -> dict[str, list[int]]:
    """The writers of a session's folder, each with the rising sequence numbers of its segments.

    Empty where there is no folder. Raises OSError where there is one that cannot be read.
    """
    found: dict[str, list[int]] = {}
    try:
        names = os.listdir(folder)
    except FileNotFoundError:
        return found
    for name in names:
        writer, _, digits = name[: -len(_SUFFIX)].rpartition(".")
        if name.endswith(_SUFFIX) and len(digits) == 8 and digits.isdigit() and writer and not writer.startswith("."):
            found.setdefault(writer, []).append(int(digits))
    for sequences in found.values():
        sequences.sort()
    return found


class WriterReader:
    """Reads the records of one writer in order, as they are committed.

    Args:
        folder: the session's folder in the spool.
        writer: the writer's name.
        at: records with a lower ordinal are passed over.
        newest: begin this many segments from the end of the chain instead of at its oldest one (0: at the oldest).

    Attributes:
        next: the ordinal that is expected next.
        sequence: the segment that is being read, -1 before the first.
        finished: `(sequence, next ordinal)` of every segment that was read to its end; the caller may take from it.
        trouble: why the last call could not read on, None if nothing but the end stopped it.
        more: the last call stopped at its limit; there may be more.
    """

    def __init__(self, folder: Path, writer: str, at: int = 0, newest: int = 0) -> None:
        self.writer = writer
        self.next = 0
        self.sequence = -1
        self.finished: list[tuple[int, int]] = []
        self.trouble: OSError | None = None
        self.more = False
        self._folder = folder
        self._at = at
        self._newest = newest
        self._descriptor = -1
        self._offset = 0
        self._size = 0
        self._room = 0
        self._sealed = -1
        self._over = False

    def close(self) -> None:
        """Let go of the open segment; a later read opens it again and goes on where it was."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
            self._at = max(self._at, self.next)

    def read(self, limit: int, most_bytes: int = sys.maxsize, over: bool = False) -> list[Record]:
        """Up to `limit` records, of about `most_bytes`, that were committed since the last call.

        Args:
            limit: how many.
            most_bytes: at least one record, however large.
            over: the writer had written its last before the call: what looks unfinished is damage.
        """
        records: list[Record] = []
        self.trouble = None
        self.more = False
        self._room = most_bytes
        self._over = over
        if self._descriptor < 0 and not self._open_again() and not self._open_first():
            return records
        while True:
            stop = self._read_segment(records, limit)
            self.more = stop is _Stop.LIMIT
            if self.more or self.trouble is not None:
                return records
            if stop is _Stop.WAIT:
                if not over and self._later_segment() is None:
                    return records
                # The rest of this one may have been committed, and the next begun, after the look above.
                stop = self._read_segment(records, limit)
                self.more = stop is _Stop.LIMIT
                if self.more or self.trouble is not None:
                    return records
                if stop is _Stop.WAIT and self._pass_damage():
                    continue
                if self.trouble is not None:
                    return records
            if not self._open_later():
                if stop is _Stop.SEAL:
                    self._finish(self.next)
                return records

    def _finish(self, following: int) -> None:
        """The segment that is being read has no more records; the next one begins, or will, with this ordinal."""
        if self._sealed != self.sequence:
            self._sealed = self.sequence
            self.finished.append((self.sequence, following))

    def _read_segment(self, records: list[Record], limit: int) -> _Stop:
        want = _FIRST_LOOK
        while True:
            data = self._pread(want)
            position = 0
            need = layout.RECORD_OVERHEAD
            while True:
                position = self._take_run(data, position, records, limit - len(records))
                start = self._offset + position
                if start + layout.RECORD_OVERHEAD > self._size:
                    self._offset = start
                    return _Stop.SEAL
                if len(data) - position < layout.RECORD_OVERHEAD:
                    break
                (length,) = layout.WORD.unpack_from(data, position)
                if length == layout.SEAL:
                    self._offset = start
                    return _Stop.SEAL
                need = 8 + length
                if need < layout.RECORD_OVERHEAD or start + need > self._size:
                    self._offset = start
                    return _Stop.WAIT
                if len(data) - position < need:
                    break
                body = data[position + 4 : position + 4 + length]
                (checksum,) = layout.WORD.unpack_from(data, position + 4 + length)
                time, kind, flags = layout.BODY.unpack_from(body)
                if layout.checksum(body) != checksum or kind not in _KINDS:
                    self._offset = start
                    return _Stop.WAIT
                if len(records) >= limit:
                    self._offset = start
                    return _Stop.LIMIT
                if self.next >= self._at:
                    records.append(Record(self.writer, self.next, time // 1000, kind, flags, body[layout.BODY.size :]))
                self.next += 1
                position += need
            self._offset += position
            self._room -= position
            if position == 0 and len(data) < want:
                return _Stop.WAIT
            if self._room <= 0 and records:
                return _Stop.LIMIT
            want = max(_CHUNK, need)

    def _take_run(self, data: bytes, position: int, records: list[Record], most: int) -> int:
        """Take records as long as each, and the head of the one behind it, are whole in `data`.

        Returns the position of the first that was not taken, which may be committed all the same. What is done here
        for each record is a third of all that the daemon does for it, so it is spelled out.
        """
        if len(data) - position < _HEAD.size or most <= 0:
            return position
        seam, checksum_of, new, append = _SEAM.unpack_from, zlib.adler32, tuple.__new__, records.append
        writer, at, last = self.writer, self._at, len(data) - _SEAM.size
        first = ordinal = self.next
        length, time, kind, flags = _HEAD.unpack_from(data, position)
        for ordinal in range(first, first + most):
            end = position + 4 + length
            if end > last or length < layout.BODY.size:
                break
            body = data[position + 4 : end]
            checksum, length, next_time, next_kind, next_flags = seam(data, end)
            if checksum_of(body) != checksum or not 0 < kind < 5:
                break
            if ordinal >= at:
                append(new(Record, (writer, ordinal, time // 1000, kind, flags, body[10:])))
            position = end + 4
            time, kind, flags = next_time, next_kind, next_flags
        else:
            ordinal += 1
        self.next = ordinal
        return position

    def _pass_damage(self) -> bool:
        """Go to the first committed record behind what is damaged, if there is one in this segment."""
        found = find_record(self._pread(self._size - self._offset), 0)
        if found is None:
            return False
        if found:  # otherwise it has been committed just now
            self._offset += found
            self.next += 1
        return True

    def _pread(self, want: int) -> bytes:
        try:
            return read_at(self._descriptor, want, self._offset)
        except OSError as error:
            self.trouble = error
            return b""

    def _open_again(self) -> bool:
        """The segment that was being read, if it is still there."""
        if self.sequence >= 0:
            try:
                self._descriptor = open_to_read(self._path(self.sequence))
            except FileNotFoundError:
                return False
            except OSError as error:
                self.trouble = error
                return False
        return self.sequence >= 0

    def _open_first(self) -> bool:
        if self.trouble is not None:
            return False
        for sequence in self._sequences()[-self._newest :]:
            if self._open(sequence):
                return True
            if self.trouble is not None:
                break  # or what is in it would be passed over for good
        return False

    def _sequences(self) -> list[int]:
        try:
            return writers_in(self._folder).get(self.writer, [])
        except OSError as error:
            self.trouble = error
            return []

    def _later_segment(self) -> int | None:
        """The first later segment of the chain that the writer has taken up."""
        for sequence in self._sequences():
            if sequence > self.sequence:
                descriptor, header = self._header(sequence)
                if descriptor >= 0:
                    os.close(descriptor)
                if header is not None:
                    return sequence
                if self.trouble is not None:
                    return None
        return None

    def _open_later(self) -> bool:
        later = self._later_segment()
        return later is not None and self._open(later)

    def _open(self, sequence: int) -> bool:
        descriptor, header = self._header(sequence)
        if header is None:
            if descriptor >= 0:
                os.close(descriptor)
            return False
        if self._descriptor >= 0:
            self._finish(header.ordinal)
            self.close()
        self.next = header.ordinal
        self.sequence = sequence
        self._descriptor = descriptor
        self._offset = layout.HEADER_SIZE
        self._size = header.size
        return True

    def _header(self, sequence: int) -> tuple[int, Header | None]:
        try:
            descriptor = open_to_read(self._path(sequence))
        except FileNotFoundError:
            return -1, None
        except OSError as error:
            self.trouble = error
            return -1, None
        try:
            header = parse_header(read_at(descriptor, layout.HEADER_SIZE, 0), sequence)
            if header is None and self._over:  # one that was made ready and never taken up has no records either
                header = self._header_of_what_is_there(descriptor, sequence)
            return descriptor, header
        except OSError as error:
            self.trouble = error
            return descriptor, None

    def _header_of_what_is_there(self, descriptor: int, sequence: int) -> Header | None:
        """A header for a segment whose own is damaged; None where there is no record in it. Raises OSError."""
        content = read_at(descriptor, os.fstat(descriptor).st_size, 0)
        if find_record(content, layout.HEADER_SIZE) is None:
            return None
        # Without the segment before it, what is known is that all of those were settled.
        follows = self.sequence >= 0 or sequence == 0
        return Header(sequence, self.next if follows else self._at, len(content))

    def _path(self, sequence: int) -> Path:
        return self._folder / str(layout.segment_name(self.writer, sequence))


def find_record(data: bytes, begin: int) -> int | None:
    """Where the first committed record begins in a part of a segment, from a position on.

    No payload is taken for records: JSON has no zero bytes, and the length of each record has one.
    """
    brace = data.find(b"{", begin + _HEAD.size)
    while brace >= 0:
        start = brace - _HEAD.size
        length, _, kind, _ = _HEAD.unpack_from(data, start)
        end = start + 4 + length
        if kind in _KINDS and layout.BODY.size < length and end + 4 <= len(data):
            (checksum,) = layout.WORD.unpack_from(data, end)
            if layout.checksum(data[start + 4 : end]) == checksum:
                return start
        brace = data.find(b"{", brace + 1)
    return None


def parse_header(data: bytes, sequence: int) -> Header | None:
    """The header of a segment that its writer has taken up; None for a prepared one, and for a damaged one."""
    if len(data) < layout.HEADER_SIZE:
        return None
    magic, mark, own_sequence, ordinal, size = layout.HEADER.unpack_from(data)
    (crc,) = layout.HEADER_CRC.unpack_from(data, layout.HEADER.size)
    if magic != layout.MAGIC or mark != layout.BYTE_ORDER_MARK or own_sequence != sequence:
        return None
    if crc != zlib.crc32(data[: layout.HEADER.size]) or ordinal == layout.PREPARED:
        return None
    return Header(own_sequence, ordinal, size)
