"""One segment file of the flight recorder: its layout, and the writer's side of it.

A segment is a file of fixed size, allocated in full before it is mapped, that one writer fills from front to
back. The kernel owns the mapped pages: what was copied into them outlives the process, however it dies.

Layout (native byte order; the reader is always on the same machine)
--------------------------------------------------------------------
Header, 64 bytes, written before the file gets its final name, and again by the writer when it takes up a segment that
the daemon had made ready (that one says PREPARED for an ordinal: nobody could know it yet):

    offset  size  field
    0       8     magic, b"DCATSEG1"
    8       4     byte order mark, 0x01020304
    12      4     sequence number of this segment in its writer's chain, from 0
    16      8     ordinal of its first record
    24      4     size of the file
    28      4     CRC-32 of bytes 0..27
    32      32    zero

Then records, one behind the other:

    0       4     length of the body in bytes
    4       8     time, nanoseconds since 1970 UTC          <- the body begins
    12      1     kind: 1 event, 2 state, 3 metric, 4 status
    13      1     flags: bit 0 urgent (an exception: ship at once)
    14      n     payload, a JSON object in UTF-8           <- the body ends
    14 + n  4     Adler-32 (RFC 1950) of the body           <- the commit, written last

A length of 0xFFFFFFFF is the seal: the chain goes on in the next segment. Fewer than 18 bytes left mean the same. A
record's ordinal is not written: it is the header's, plus the number of records before it.

Why Adler-32: any single damaged byte changes it, and so does a body whose end never arrived (zeros instead of text add
less to its sums). CRC-32 finds more of what a bad disk does to large blocks, but would be a tenth of the whole call.

Commit rule
-----------
Length, body and checksum are written in this order by one call. A record is committed when its length is neither zero
nor the seal, fits the file, and its checksum holds; no body has the checksum 0, which is what stands there before.

What a reader finds after every kind of end
-------------------------------------------
- killed before the commit: length 0, or no checksum yet. Nothing was committed; the call had not returned.
- a reader that comes in between, on any machine: the checksum does not hold yet. It stops, and looks again later.
- killed after the commit: the record is there.
- killed between a seal and the next segment: the chain ends at the seal; nothing after it was committed.
- killed while making a segment: it still has its temporary name; the reader never sees it.
- killed while taking up a prepared segment: it is still PREPARED, or its header's CRC does not hold; it has no record.
- a byte is flipped, or the file is cut short, by somebody else: the reader stops in front of the damaged record. If a
  later segment exists, or the writer is gone, it goes on at the next record whose checksum holds. The ordinal in the
  header of a later segment tells how many are lost; where there is none, a damaged stretch counts as one.
- machine switched off: pages that had not reached the disk are zeros or old; the same rules hold for what is there.
"""

import errno
import os
import struct
import sys
import zlib

from datacat._compat import allocate, give_name, map_file, monotonic, open_temporary, unlink_if_there
from datacat.exceptions_of_signals import let_through

MAGIC = b"DCATSEG1"
BYTE_ORDER_MARK = 0x01020304
HEADER_SIZE = 64
RECORD_OVERHEAD = 18
SEAL = 0xFFFFFFFF
PREPARED = (1 << 64) - 1

SEGMENT_SIZE = 1 << 20
MAX_PAYLOAD = 1 << 18

EVENT = 1
STATE = 2
METRIC = 3
STATUS = 4
URGENT = 1

RETRY_SECONDS = 1.0

HEADER = struct.Struct("@8sIIQI")
HEADER_CRC = struct.Struct("@I")
TIME = struct.Struct("@Q")
BODY = struct.Struct("@QBB")
RECORD = "=I%dsI"  # length, body of that length, checksum
WORD = struct.Struct("=I")  # a length, or a checksum

SHORT = 200
COMMIT_SHORT = [struct.Struct(RECORD % length).pack_into for length in range(SHORT)]  # a record by its body's length

_pack_body = BODY.pack
_PY2 = sys.version_info[0] == 2

if _PY2:

    def checksum(body):
        """Adler-32 of a record's body."""
        return zlib.adler32(body) & 0xFFFFFFFF

else:
    checksum = zlib.adler32


def segment_name(writer, sequence):
    """The file name of a writer's segment: `<writer>.<8 digits>.segment`."""
    return "%s.%08d.segment" % (writer, sequence)


def segment_header(sequence, ordinal, size):
    """The first 64 bytes of a segment whose first record has this ordinal."""
    fields = HEADER.pack(MAGIC, BYTE_ORDER_MARK, sequence, ordinal, size)
    return (fields + HEADER_CRC.pack(zlib.crc32(fields) & 0xFFFFFFFF)).ljust(HEADER_SIZE, b"\0")


def _map(path, size, old):
    return map_file(path, size)


def make_segment(folder, writer, sequence, ordinal, size=SEGMENT_SIZE):
    """Make a segment file, allocated in full, unless somebody already has; returns its path.

    The name appears only when the file is whole. Raises OSError (disk full, no such folder, ...).
    """
    path = os.path.join(folder, segment_name(writer, sequence))
    descriptor, temporary = open_temporary(os.path.join(folder, "." + segment_name(writer, sequence)))
    try:
        try:
            allocate(descriptor, size)
            os.write(descriptor, segment_header(sequence, ordinal, size))
        finally:
            os.close(descriptor)
        try:
            give_name(temporary, path)
        except OSError:
            let_through()
            if not os.path.exists(path):
                raise
    finally:
        unlink_if_there(temporary)
    return path


class SegmentWriter(object):
    """A writer: fills its chain of segments, one record at a time. Not to be entered twice; the recorder sees to that.

    Attributes:
        name: the writer's name.
        ordinal: of the next record.
        page: the mapped segment.
        offset: where the next record begins in it; its size, once it is sealed.
        size: bytes of one segment.

    Args:
        folder: the session's folder in the spool.
        name: the writer's name, never used by anybody else in this session.
        size: bytes of one segment.
        has_room: called before a segment is made; False means that the quota is used up.
        take_up: maps a segment, given its path, its size and the mapping of the one before (`datacat.mapping.take_up`).

    Raises OSError where the first segment cannot be made.
    """

    def __init__(self, folder, name, size=SEGMENT_SIZE, has_room=None, take_up=None):
        self.name = name
        self.ordinal = 0
        self._folder = folder
        self.size = size
        self._has_room = has_room
        self._take_up = take_up or _map
        self.page = None
        self._sequence = 0
        self._retry_at = 0.0
        self._sure = None
        self._open()

    def append(self, kind, flags, time_us, payload):
        """Commit one record; raises OSError where the next segment cannot be made (nothing is written then).

        Args:
            kind: EVENT, STATE, METRIC or STATUS.
            flags: 0 or URGENT.
            time_us: microseconds since 1970 UTC.
            payload: bytes of a JSON object, at most MAX_PAYLOAD.
        """
        self.append_body(_pack_body(time_us * 1000, kind, flags) + payload)

    def append_body(self, body):
        """Commit one record whose body is made already: time, kind, flags and payload."""
        length = len(body)
        end = self.offset + 8 + length
        if end > self.size:
            self._roll()
            end = self.offset + 8 + length
        if length < SHORT:
            COMMIT_SHORT[length](self.page, self.offset, length, body, checksum(body))
        else:
            struct.pack_into(RECORD % length, self.page, self.offset, length, body, checksum(body))
        self.offset = end
        self.ordinal += 1

    def seal(self):
        """Let go of the segment, which is complete now; a later record begins the next one."""
        if self.offset <= self.size - RECORD_OVERHEAD:
            WORD.pack_into(self.page, self.offset, SEAL)
        self.offset = self.size
        self.page = None  # or its blocks would stay taken after the daemon has deleted it

    def resume(self):
        """Go on after a call that an exception broke off, at whatever step: read in the segment what is committed.

        A record is there or not, never half of it: no signal handler runs while it is stored.
        """
        if self.page is None:
            self.offset = self.size
            return
        offset, ordinal = self._sure
        while offset <= self.size - RECORD_OVERHEAD:
            length = WORD.unpack_from(self.page, offset)[0]
            if length == 0:
                break
            if length == SEAL:
                offset = self.size
                break
            offset += 8 + length
            ordinal += 1
        self.offset = offset
        self.ordinal = ordinal
        self._sure = offset, ordinal

    def _roll(self):
        """Go on in the next segment; after a failure it is tried again once a second, other calls fail at once."""
        if self.offset <= self.size - RECORD_OVERHEAD:
            WORD.pack_into(self.page, self.offset, SEAL)
        self.offset = self.size
        if monotonic() < self._retry_at:
            raise OSError(errno.ENOSPC, "no room for the next segment")
        try:
            self._open(self._sequence + 1)
        except OSError:
            let_through()
            self._retry_at = monotonic() + RETRY_SECONDS
            raise

    def _open(self, sequence=0):
        old, self.page = self.page, None
        try:
            # made ready by the daemon
            page = self._take_up(os.path.join(self._folder, segment_name(self.name, sequence)), self.size, old)
        except OSError:
            let_through()
            if self._has_room is not None and not self._has_room():
                raise OSError(errno.ENOSPC, "the quota of the spool is used up")
            path = make_segment(self._folder, self.name, sequence, self.ordinal, self.size)
            page = self._take_up(path, self.size, None)
        page[0:HEADER_SIZE] = segment_header(sequence, self.ordinal, self.size)
        self._sequence = sequence
        self._sure = HEADER_SIZE, self.ordinal
        self.offset = HEADER_SIZE
        self.page = page  # last: `resume` goes by it
