"""Brings the records of a session's writers, each read by itself, into the order of time."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Container, Iterable
from itertools import accumulate
from operator import itemgetter
from typing import NamedTuple

from datacat_daemon.spool.reader import Record

_time_of = itemgetter(Record._fields.index("time"))
_first_of = itemgetter(0)


class _Run(NamedTuple):
    """Records of one writer in its order, with the rising times that they count as."""

    ranks: list[int]
    records: list[Record]


_NOTHING = _Run([], [])


class Merger:
    """Merges reading passes.

    In one pass writer A is read before writer B; what B commits meanwhile may be younger than what A commits after it
    was read. So a record is let go when it is not younger than the begin of its pass, or was held while every writer
    was read to its end: by then everything older has been read too.

    A writer's own order always stays: a record counts as at least as young as the one before it, also where the wall
    clock was set back.
    """

    def __init__(self) -> None:
        self._held: dict[str, _Run] = {}
        self._latest: dict[str, int] = {}

    def __len__(self) -> int:
        return sum(len(run.records) for run in self._held.values())

    def held_bytes(self) -> int:
        """Bytes of the payloads that are held."""
        return sum(len(record.payload) for run in self._held.values() for record in run.records)

    def let_go(self) -> list[Record]:
        """All that is held, in order."""
        return self.merge([], 0)

    def merge(self, fresh: Iterable[list[Record]], horizon: int, unfinished: Container[str] = ()) -> list[Record]:
        """Take the records of one pass; returns those that are ready, in order.

        Args:
            fresh: for each writer that has some, its records in its own order.
            horizon: when the pass began, microseconds since 1970 UTC.
            unfinished: writers of `fresh` that were not read to their end: what others said later waits for them.
        """
        ready: list[_Run] = []
        runs = {records[0].writer: self._ranked(records) for records in fresh}
        last = [run.ranks[-1] for writer, run in runs.items() if writer in unfinished]
        horizon = min(horizon, *last) if last else horizon
        complete = not last
        for writer in sorted(self._held.keys() | runs):
            held = self._held.pop(writer, _NOTHING)
            run = _Run(held.ranks + runs[writer].ranks, held.records + runs[writer].records) if writer in runs else held
            count = max(len(held.ranks) if complete else 0, bisect_right(run.ranks, horizon))
            if count:
                ready.append(_Run(run.ranks[:count], run.records[:count]))
            if count < len(run.ranks):
                self._held[writer] = _Run(run.ranks[count:], run.records[count:])
        if len(ready) == 1:
            return ready[0].records
        pairs = [pair for run in ready for pair in zip(run.ranks, run.records)]
        pairs.sort(key=_first_of)  # each writer's own order stays: it has rising ranks, and sorting is stable
        return [record for _, record in pairs]

    def forget(self, writer: str) -> None:
        """Drop what is held of a writer: it will be read again."""
        self._held.pop(writer, None)
        self._latest.pop(writer, None)

    def _ranked(self, records: list[Record]) -> _Run:
        """Records with their ranks: a record's own time, or that of an earlier one of its writer, if it is later."""
        writer = records[0].writer
        ranks = list(accumulate(map(_time_of, records), max, initial=self._latest.get(writer, 0)))[1:]
        self._latest[writer] = ranks[-1]
        return _Run(ranks, records)
