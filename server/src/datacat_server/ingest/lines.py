"""Ordinary lines, decoded in a few calls for many of them instead of a few for each.

It answers only where each line by itself would come to the same; anything else is left to the way line by line.
"""

from collections.abc import Iterator, Sequence

import msgspec

from datacat_server.ingest.records import NOTHING, EventRecord, Line, MetricRecord
from datacat_server.ingest.validate import DEEPEST, objects_of

LARGEST_RECORD = 1024 * 1024
_PIECE = 64 * 1024  # what one line that is bad takes along with it to the slower way

_decoder = msgspec.json.Decoder(Line)
_ALL_BUT_BRACKETS = bytes(set(range(256)) - set(b"{}[]\n"))


def pieces(body: bytes) -> Iterator[bytes]:
    """The body in pieces of whole lines, of about 64 KB each, or of one line that is longer."""
    start = 0
    while start < len(body):
        end = body.rfind(b"\n", start, start + _PIECE) + 1 or body.find(b"\n", start + _PIECE) + 1 or len(body)
        yield body[start:end]
        start = end


def decode_lines(piece: bytes) -> Sequence[Line] | None:
    """Every line of a piece, in order, with its `data` or `metadata` looked at; None where one is out of line."""
    if not _is_plain(piece):
        return None
    try:
        lines: list[Line] = _decoder.decode_lines(piece)
    except (msgspec.MsgspecError, RecursionError):
        return None
    # One object in each line: none of them shares its line, or goes on in the next.
    if not len(lines) == piece.count(b"}\n{") + 1 == piece.count(b"\n") + (not piece.endswith(b"\n")):
        return None
    return lines if _objects_hold(lines) else None


def _is_plain(piece: bytes) -> bool:
    """Whether it is UTF-8 through and through, and no line of it too long, too deep or with half a character."""
    if len(piece) > LARGEST_RECORD:
        return False
    # A backslash alone is looked for many times as fast.
    if b"\\" in piece and (b"\\ud" in piece or b"\\uD" in piece):
        return False
    if not piece.isascii():
        try:
            piece.decode()
        except UnicodeDecodeError:
            return False
    # What has no more brackets than that, all in all, cannot be deeper.
    brackets = piece.translate(None, _ALL_BUT_BRACKETS)
    return max(map(len, brackets.split(b"\n"))) <= 2 * DEEPEST


def _objects_hold(lines: list[Line]) -> bool:
    """Whether whatever is kept as it came is an object. What is null becomes nothing."""
    events = [line for line in lines if type(line) is EventRecord and line.data]
    metrics = [line for line in lines if type(line) is MetricRecord and line.metadata]
    data, metadata = objects_of([event.data for event in events]), objects_of([metric.metadata for metric in metrics])
    if data is None or metadata is None:
        return False
    if None in data:
        for event, content in zip(events, data, strict=True):
            if content is None:
                event.data = NOTHING
    for metric, content in zip(metrics, metadata, strict=True):
        if content is None:
            metric.metadata = NOTHING
    return True
