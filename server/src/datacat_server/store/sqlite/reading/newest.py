"""Some sessions by the time of their creation, the newest first; of one time by their ids, the greatest first.

That is an order which an import into another store keeps, as the numbers of their rows do not.
"""

import sqlite3
from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

import msgspec

from datacat_server.store.sqlite.reading.selection import FEW

_EVERY_TIME = 2**62
_AT_ONCE = 100


class Place(NamedTuple):
    """Where a session stands: its time of creation in microseconds, and its id."""

    created: int
    session_id: str


class About(NamedTuple):
    """A session's place, the number of its row, and what it is of."""

    place: Place
    number: int
    product: str
    version: str


def newest_first(db: sqlite3.Connection, numbers: Collection[int], begin: Place | None) -> Iterator[About]:
    """The sessions of these numbers from a place on, itself included; None: from the newest.

    Rows are read as they are asked for. A number without a row is left out.
    """
    until = _EVERY_TIME if begin is None else begin.created
    found: Iterable[tuple[int, int]]
    if len(numbers) <= FEW:
        found = db.execute(
            "SELECT created, id FROM sessions WHERE created <= ? AND id IN (SELECT value FROM json_each(?))"
            " ORDER BY created DESC",
            (until, msgspec.json.encode(list(numbers)).decode()),
        )
    else:
        # Many are met soon: to look for the time of each would take longer than all the rest of a page.
        every = db.execute(
            "SELECT created, id FROM sessions INDEXED BY sessions_by_creation WHERE created <= ? ORDER BY created DESC",
            (until,),
        )
        found = (row for row in every if row[1] in numbers)
    for some in _in_pieces(found):
        yield from _by_place(db, some, begin)


def _in_pieces(rows: Iterable[tuple[int, int]]) -> Iterator[list[int]]:
    """Numbers of sessions out of rows of times and numbers, about _AT_ONCE at a time: none parts those of one time."""
    piece: list[int] = []
    last = None
    for created, number in rows:
        if len(piece) >= _AT_ONCE and created != last:
            yield piece
            piece = []
        piece.append(number)
        last = created
    if piece:
        yield piece


def _by_place(db: sqlite3.Connection, numbers: list[int], begin: Place | None) -> Iterator[About]:
    """Sessions from a place on."""
    rows = db.execute(
        "SELECT created, session_id, id, product, version FROM sessions WHERE id IN (SELECT value FROM json_each(?))"
        " ORDER BY created DESC, session_id DESC",
        (msgspec.json.encode(numbers).decode(),),
    )
    for created, session_id, number, product, version in rows:
        place = Place(created, session_id)
        if begin is None or place <= begin:
            yield About(place, number, product, version)
