"""One segment file of the flight recorder: its layout, and the writer's side of it.

A segment is a file of fixed size, allocated in full before it is mapped, that one writer fills from front to
back. The kernel owns the mapped pages: what was copied into them outlives the process, however it dies.

Layout (native byte order; the reader is always on the same machine)
--------------------------------------------------------------------
Header, 64 bytes, written before the file gets its final name:

    offset  size  field
    0       8     magic, b"DCATSEG1"
    8       4     byte order mark, 0x01020304
    12      4     sequence number of this segment in its writer's chain, from 0
    16      8     ordinal of its first record
    24      4     size of the file
    28      4     CRC-32 of bytes 0..27
    32      32    zero

Then records, each starting at a multiple of 8:

    0       4     CRC-32 of bytes 8 .. 24 + length
    4       4     length of the payload in bytes            <- the commit, written last
    8       8     time, microseconds since 1970 UTC
    16      4     ordinal of the record in its writer, low 32 bits
    20      1     kind: 1 event, 2 state, 3 metric, 4 status
    21      1     flags: bit 0 urgent (an exception: ship at once)
    22      2     zero
    24      n     payload, a JSON object in UTF-8
    ..            zeros up to the next multiple of 8

A length of 0xFFFFFFFF is the seal: the chain goes on in the next segment. Fewer than 24 bytes left mean the same.

Commit rule
-----------
The body (bytes 8 and on) is copied first, then one store writes CRC and length, length last. A record is
committed when its length is neither zero nor the seal, fits the file, its CRC holds and its ordinal is the one expected.

What a reader finds after every kind of end
-------------------------------------------
- killed before the body is complete: length 0. Nothing was committed; the call had not returned.
- killed between the two halves of the commit, or a reader that comes in between: CRC without length, so length 0.
- a reader on a machine that reorders stores: the CRC does not hold yet. It stops, and looks again later.
- killed after the commit: the record is there.
- killed between a seal and the next segment: the chain ends at the seal; nothing after it was committed.
- killed while making a segment: it still has its temporary name; the reader never sees it.
- a byte is flipped, or the file is cut short, by somebody else: the reader stops in front of the damaged record. If a later segment
  exists, its header says which ordinal comes next, so the number of lost records is known, and reported.
- machine switched off: pages that had not reached the disk are zeros or old; the same rules hold for what is there.
"""
