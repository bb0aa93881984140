"""One batch: records that are shipped together, the ranges of ordinals that they settle, and their lines."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, NamedTuple

from datacat.segment import METRIC, STATE

from datacat_daemon.shipping.fold import fold_metrics
from datacat_daemon.shipping.known_state import KnownState
from datacat_daemon.shipping.leave_out import Rest, leave_out_unchanged
from datacat_daemon.shipping.wire import record_line, writer_line
from datacat_daemon.spool.reader import Record

MOST_BYTES = 1 << 20
_NO_POSITIONS: Mapping[str, int] = {}
_kind_of = attrgetter("kind")


@dataclass(frozen=True)
class Batch:
    """Records that are shipped together.

    Attributes:
        records: as they were logged.
        ranges: by writer, the ordinals `[first, next)` that they are.
        sent: what is sent of them: some folded, some left out.
        lines: the lines for that, the writers' first.
        patches: what is sent of the state.
        assumed: how many changes of the state the server must have counted for this to hold; None for any number.
    """

    records: list[Record]
    ranges: dict[str, tuple[int, int]]
    sent: list[Record]
    lines: list[bytes]
    patches: list[dict[str, Any]]
    assumed: int | None

    @property
    def single(self) -> bool:
        """It is of one record, and so cannot be split."""
        return len(self.records) == 1

    def body(self, session: bytes) -> bytes:
        """The NDJSON body, behind the session's line."""
        return b"\n".join([session, *self.lines, b""])


class Taken(NamedTuple):
    """Records that can be shipped together, their ranges, and what was met among them that is no JSON object."""

    records: list[Record]
    ranges: dict[str, tuple[int, int]]
    odd: list[Record]


def take(
    records: Iterable[Record],
    most_records: int,
    positions: Mapping[str, int] = _NO_POSITIONS,
    aside: Container[tuple[str, int]] = (),
) -> Taken:
    """The first of some records that can be shipped together: no writer's ordinals have a gap.

    Args:
        records: in the order in which they are to be applied.
        most_records: take no more than these, nor more than about MOST_BYTES.
        positions: by writer, what the server expects next; what is below is passed over.
        aside: writer and ordinal of what is not to be shipped.
    """
    taken: list[Record] = []
    odd: list[Record] = []
    first: dict[str, int] = {}
    following: dict[str, int] = {}
    size = 0
    for record in records:
        writer, ordinal, _, _, _, payload = record
        if aside and (writer, ordinal) in aside:
            continue
        expected = following.get(writer)
        if expected is None:
            if ordinal < positions.get(writer, 0):
                continue
        elif ordinal != expected:
            break
        if payload[:1] != b"{" or payload[-1:] != b"}":
            odd.append(record)
            continue
        if expected is None:
            first[writer] = ordinal
        following[writer] = ordinal + 1
        taken.append(record)
        size += len(payload)
        if size >= MOST_BYTES or len(taken) >= most_records:
            break
    return Taken(taken, {writer: (ordinal, following[writer]) for writer, ordinal in first.items()}, odd)


def make_batch(
    records: list[Record],
    ranges: dict[str, tuple[int, int]],
    positions: dict[str, int],
    state: KnownState,
    interval_us: int,
) -> Batch:
    """The batch of what was taken.

    Args:
        records, ranges: from `take`.
        positions: by writer, what the server expects next; a range that begins later tells of lost records.
        state: what the server is known to have.
        interval_us: microseconds of records that may be folded into one.
    """
    kinds = set(map(_kind_of, records))
    sent = fold_metrics(records, interval_us) if METRIC in kinds else records
    rest = leave_out_unchanged(sent, state) if STATE in kinds else Rest(sent, [], None)
    lines = [
        writer_line(writer, first, following, first > positions.get(writer, 0))
        for writer, (first, following) in ranges.items()
    ]
    lines += map(record_line, rest.records)
    return Batch(records, ranges, rest.records, lines, rest.patches, rest.assumed)
