"""Brings the records of a session's writers, each read by itself, into the order of time."""

from __future__ import annotations

from collections.abc import Iterable

from datacat_daemon.spool.reader import Record

_Ranked = tuple[int, str, int, Record]


class Merger:
    """Merges reading passes.

    In one pass writer A is read before writer B; what B commits meanwhile may be younger than what A commits after it
    was read. So a record is let go when it is not younger than the begin of its pass, or was held while every writer
    was read to its end: by then everything older has been read too.

    A writer's own order always stays: a record counts as at least as young as the one before it, also where the wall
    clock was set back.
    """

    def __init__(self) -> None:
        self._held: list[_Ranked] = []
        self._latest: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._held)

    def merge(self, fresh: Iterable[Record], horizon: int, complete: bool = True) -> list[Record]:
        """Take the records of one pass; returns those that are ready, in order.

        Args:
            fresh: records of any writers, each writer's in its own order.
            horizon: when the pass began, microseconds since 1970 UTC; earlier where a writer was not read to its end.
            complete: every writer was read to its end.
        """
        ready = [ranked for ranked in self._held if complete or ranked[0] <= horizon]
        self._held = [ranked for ranked in self._held if not complete and ranked[0] > horizon]
        for record in fresh:
            rank = max(record.time, self._latest.get(record.writer, 0))
            self._latest[record.writer] = rank
            (ready if rank <= horizon else self._held).append((rank, record.writer, record.ordinal, record))
        ready.sort()
        return [record for _, _, _, record in ready]

    def forget(self, writer: str) -> None:
        """Drop what is held of a writer: it will be read again."""
        self._held = [ranked for ranked in self._held if ranked[1] != writer]
        self._latest.pop(writer, None)
