"""The newest records of a session, read from the end of each writer's chain: what a process said last.

The whole backlog may be days long; this reads two segments of a writer at most, and of those only what is asked for.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from datacat import segment as layout

from datacat_daemon.spool.reader import Record, parse_header

_NEWEST_SEGMENTS = 2
_KIND = 12  # where in a record its kind stands, and its flags behind it
_FLAGS = 13


class LastWords(NamedTuple):
    """What was said last: the last events, the newest last; the last urgent event; the time of the newest record.

    The time is in microseconds since 1970 UTC, 0 where there is no record.
    """

    events: list[Record]
    urgent: Record | None
    time: int


def last_words(folder: Path, writers: dict[str, list[int]], most_events: int, wants_urgent: bool = True) -> LastWords:
    """The newest records of some writers together. What cannot be read is passed over.

    Args:
        folder: the session's folder in the spool.
        writers: the writers, each with the rising sequence numbers of its segments.
        most_events: how many events are wanted.
        wants_urgent: the urgent one is looked for further back than they reach.
    """
    found = [_of_writer(folder, writer, sequences, most_events, wants_urgent) for writer, sequences in writers.items()]
    events = sorted((event for words in found for event in words.events), key=lambda event: event.time)
    urgent = [words.urgent for words in found if words.urgent is not None]
    return LastWords(
        events[-most_events:],
        max(urgent, key=lambda record: record.time, default=None),
        max((words.time for words in found), default=0),
    )


def _of_writer(folder: Path, writer: str, sequences: list[int], most_events: int, wants_urgent: bool) -> LastWords:
    events: list[Record] = []
    urgent: Record | None = None
    time = 0
    begun = 0
    for sequence in reversed(sequences):
        try:
            data = (folder / str(layout.segment_name(writer, sequence))).read_bytes()
        except OSError:
            continue
        header = parse_header(data, sequence)
        if header is None:
            continue  # made ready, and not taken up yet
        begun += 1
        positions = _positions(data)
        for ordinal, position in zip(range(header.ordinal + len(positions) - 1, -1, -1), reversed(positions)):
            kind, flags = data[position + _KIND], data[position + _FLAGS]
            wanted = kind == layout.EVENT and (len(events) < most_events or (urgent is None and flags & layout.URGENT))
            if not (wanted or not time):
                continue
            record = _record(data, position, writer, ordinal)
            if record is None:
                continue
            time = max(time, record.time)
            if wanted and len(events) < most_events:
                events.append(record)
            if wanted and urgent is None and flags & layout.URGENT:
                urgent = record
        if begun == _NEWEST_SEGMENTS or (len(events) == most_events and not (wants_urgent and urgent is None)):
            break
    return LastWords(events, urgent, time)


def _positions(data: bytes) -> list[int]:
    """Where the records of a segment begin, by their lengths."""
    positions = []
    position, length_at, last = layout.HEADER_SIZE, layout.WORD.unpack_from, len(data) - layout.RECORD_OVERHEAD
    while position <= last:
        (length,) = length_at(data, position)
        if length < layout.BODY.size:
            break
        positions.append(position)
        position += 8 + length
    return positions


def _record(data: bytes, position: int, writer: str, ordinal: int) -> Record | None:
    """A record if it is committed, which the last one may not be; and a length may be damaged."""
    (length,) = layout.WORD.unpack_from(data, position)
    end = position + 4 + length
    body = data[position + 4 : end]
    if end + 4 > len(data) or layout.WORD.unpack_from(data, end)[0] != layout.checksum(body):
        return None
    time, kind, flags = layout.BODY.unpack_from(body)
    return Record(writer, ordinal, time // 1000, kind, flags, body[layout.BODY.size :])
