"""The body of `POST /api/ingest` into batches: line by line, each bad line refused alone."""

import codecs
import re
from collections.abc import Callable, Sequence
from typing import Any, cast

import msgspec

from datacat_server.ingest.explain import explain
from datacat_server.ingest.lines import LARGEST_RECORD, decode_lines, pieces
from datacat_server.ingest.records import EventRecord, Line, Record, Refused, SessionBatch, SessionLine, WriterLine
from datacat_server.ingest.text import readable
from datacat_server.ingest.unpack import BodyTooLarge, UnreadableBody
from datacat_server.ingest.validate import (
    LARGEST_INTEGER,
    LONGEST_WRITER,
    check_depth,
    check_event,
    check_events,
    check_fields,
    check_record,
    check_session,
    check_writer,
    latest_time,
)
from datacat_server.ingest.whole import check_whole

LARGEST_BODY = 16 * 1024 * 1024
MOST_LINES = 100_000
MOST_REFUSALS = 10_000  # twice what a daemon sends at once: of its records none is refused unnamed


def decode_batches(body: bytes) -> tuple[list[SessionBatch], list[Refused]]:
    """The batches of a body, and what belongs to none of them. Lines are counted from 1.

    At most MOST_REFUSALS refusals are kept, whoever they belong to; those beyond are counted, in the batches and in
    one refusal that ends the stray ones. Raises BodyTooLarge for more than MOST_LINES lines, and UnreadableBody where
    records are missing that a session line tells of, where it cannot be told how many these are, and for what is not
    newline-delimited JSON at all.
    """
    body = body.removeprefix(codecs.BOM_UTF8)
    if body.count(b"\n") > MOST_LINES:
        raise BodyTooLarge(f"the body has more than {MOST_LINES:,} lines; send smaller batches")
    reader = BatchReader()
    number = 1
    for piece in pieces(body):
        lines = decode_lines(piece)
        if lines is not None:
            reader.take(number, lines, piece)
            number += len(lines)
        else:
            for line_number, line in enumerate(piece.split(b"\n"), number):
                if line and not line.isspace():
                    reader.read(line_number, line)
            number += piece.count(b"\n")
    stray = reader.finish()
    check_whole(body, reader.batches)
    if stray and not (reader.batches or reader.recognised):
        raise UnreadableBody(
            "no line of the body says its kind: expected newline-delimited JSON in UTF-8, with its Content-Encoding"
            " where it is compressed"
        )
    return reader.batches, stray


class _Place(msgspec.Struct):
    """Where a line that was refused belongs, as far as it can be read."""

    kind: str | None = None
    writer: str | None = None
    ordinal: int | None = None


_line_decoder = msgspec.json.Decoder(Line)
_place_decoder = msgspec.json.Decoder(_Place)
# What a broken line was is read off its beginning, where senders put it.
_KIND = re.compile(rb'"kind"\s*:\s*"([a-z]{1,20})"')
_WRITER = re.compile(rb'"writer"\s*:\s*"([^"\\]{1,200})"')
_ORDINAL = re.compile(rb'"ordinal"\s*:\s*(\d{1,15})')
_HEAD = 400
_LONGEST_DETAILS = 500


class BatchReader:
    """Sorts lines into batches. After a session line that is bad, nothing can be placed until the next one."""

    def __init__(self) -> None:
        self.batches: list[SessionBatch] = []
        self.recognised = False
        """Whether any line of those that were refused says of what kind it is."""
        self._stray: list[Refused] = []
        self._refused = 0
        self._batch: SessionBatch | None = None
        self._skipping = False
        self._ranges: dict[str | None, list[int]] = {}  # the next ordinal and the end of each writer's

    def read(self, number: int, line: bytes) -> None:
        if self._skipping and _kind(line) != "session":
            return
        try:
            self._take(decode_line(line), check_record)
        except ValueError as error:
            self._refuse(number, line, str(error))

    def take(self, number: int, lines: Sequence[Line], piece: bytes) -> None:
        """Lines that `decode_lines` made of a piece of the body, which begins with the line of this number."""
        latest, tried = latest_time(), False
        for at, line in enumerate(lines):
            if self._skipping and type(line) is not SessionLine:
                continue
            try:
                if type(line) is EventRecord and self._batch is not None:
                    if not tried and self._take_events(lines[at:], latest):
                        return
                    tried = True
                    # What `_take` does, without a detour: nearly everything that comes is an event.
                    self._check_place(line)
                    check_event(line, latest)
                    self._batch.records.append(line)
                else:
                    self._take(line, check_fields)
            except ValueError as error:
                self._refuse(number + at, piece.split(b"\n")[at], str(error))

    def _take_events(self, lines: Sequence[Line], latest: int) -> bool:
        """Take lines all at once, where they are ordinary events of one writer that follow each other; whether so."""
        if set(map(type, lines)) != {EventRecord}:
            return False
        events = cast(Sequence[EventRecord], lines)
        bounds, first = self._ranges.get(events[0].writer), events[0].ordinal
        if bounds is None or first is None or not bounds[0] <= first <= bounds[1] - len(events):
            return False
        if len({event.writer for event in events}) > 1:
            return False
        end = first + len(events)
        if [event.ordinal for event in events] != [*range(first, end)] or not check_events(events, latest):
            return False
        bounds[0] = end
        self._current().records += events
        return True

    def finish(self) -> list[Refused]:
        """What belongs to no batch, and how much was refused beyond what is named."""
        if (unnamed := self._refused - MOST_REFUSALS) > 0:
            details = f"record: {unnamed:,} more of this body were refused; they are not named here"
            self._stray.append(
                Refused(session=None, writer=None, ordinal=None, line=None, error="bad_request", details=details)
            )
        return self._stray

    def _take(self, line: Line, check: Callable[[Record], None]) -> None:
        match line:
            case SessionLine():
                check_session(line)
                self._batch = SessionBatch(line.id, header=line, heartbeat=line.last_heartbeat)
                self.batches.append(self._batch)
                self._ranges = {}
                self._skipping = False
            case WriterLine():
                check_writer(line)
                batch = self._current()
                if line.writer in self._ranges:
                    raise ValueError("writer: has a writer line in this batch already")
                self._ranges[line.writer] = [line.first, line.next]
                batch.writers.append(line)
            case _:
                batch = self._current()
                self._check_place(line)
                check(line)
                batch.records.append(line)

    def _current(self) -> SessionBatch:
        if self._batch is None:
            raise ValueError("kind: a session line has to come before this one")
        return self._batch

    def _check_place(self, record: Record) -> None:
        bounds, ordinal = self._ranges.get(record.writer), record.ordinal
        if bounds is None or ordinal is None:
            if record.writer is None or ordinal is None:
                raise ValueError(f"{'writer' if record.writer is None else 'ordinal'}: is missing")
            raise ValueError("writer: has no writer line in this batch")
        first, end = bounds
        if not first <= ordinal < end:
            raise ValueError(f"ordinal: expected one from {first} to {end - 1}, rising")
        bounds[0] = ordinal + 1

    def _refuse(self, number: int, line: bytes, details: str) -> None:
        place = _place(line)
        self.recognised |= place.kind is not None
        if place.kind == "session":
            if details.startswith("records: "):
                # The records may all be right, and the session too: its sender keeps them, and hears of it.
                raise UnreadableBody(f"{details}; nothing of the body was taken")
            self._batch, self._skipping = None, True
        elif self._batch and _was_record(place):
            self._batch.refused_records += 1
        self._refused += 1
        if self._refused > MOST_REFUSALS:
            if self._batch:
                self._batch.unnamed_refusals += 1
            return
        refused = Refused(
            session=self._batch.id if self._batch else None,
            writer=place.writer,
            ordinal=place.ordinal,
            line=number,
            error="too_large" if len(line) > LARGEST_RECORD else "bad_request",
            details=details[:_LONGEST_DETAILS],
        )
        (self._batch.refused if self._batch else self._stray).append(refused)


def decode_line(line: bytes, decoder: msgspec.json.Decoder[Any] = _line_decoder) -> Any:
    """One JSON object as what `decoder` makes of it. Raises ValueError with `field: what is wrong`, or BodyTooLarge."""
    if len(line) > LARGEST_RECORD:
        raise BodyTooLarge(f"record: larger than {LARGEST_RECORD // 2**20} MB")
    check_depth(line)
    try:
        return decoder.decode(readable(line))
    except msgspec.MsgspecError as error:
        raise ValueError(explain(error)) from None


def _was_record(place: _Place) -> bool:
    """Whether a line that was refused was one of the records that a session line counts, whatever their kind."""
    return place.kind != "writer" and (place.kind is not None or place.ordinal is not None)


def _kind(line: bytes) -> str | None:
    found = _KIND.search(line, 0, _HEAD)
    return found[1].decode() if found else None


def _place(line: bytes) -> _Place:
    try:
        place: _Place = _place_decoder.decode(line)
    except (ValueError, RecursionError):
        writer, ordinal = _WRITER.search(line, 0, _HEAD), _ORDINAL.search(line, 0, _HEAD)
        return _Place(
            kind=_kind(line),
            writer=writer[1].decode(errors="replace") if writer else None,
            ordinal=int(ordinal[1]) if ordinal else None,
        )
    # It is kept with the refusal, so it must be something that can be kept.
    if place.ordinal is not None and not 0 <= place.ordinal <= LARGEST_INTEGER:
        place.ordinal = None
    if place.writer is not None:
        place.writer = place.writer[:LONGEST_WRITER]
    return place
