"""A whole session as JSON, in pieces of about a megabyte, of which one is in memory at a time.

Each piece is read in a snapshot of its own: an answer that somebody takes hours to read holds nothing back in the
database. Most sessions are one piece.
"""

from collections.abc import Collection, Iterator
from itertools import chain

from datacat_server.model import Session, encode
from datacat_server.store.protocol import UnknownSession
from datacat_server.store.sqlite.file.connection import Readers
from datacat_server.store.sqlite.reading import session_parts
from datacat_server.store.sqlite.reading.read import read_session, row_number
from datacat_server.store.sqlite.reading.session_parts import View

_PIECE = 1024 * 1024


def session_pieces(readers: Readers, session_id: str, parts: Collection[str]) -> Iterator[bytes]:
    """The JSON of `read_session`. The first piece is read at once: raises UnknownSession.

    Of a session that is removed meanwhile a later piece raises it.
    """
    pieces = _pieces(readers, session_id, parts)
    return chain([next(pieces)], pieces)


def _pieces(readers: Readers, session_id: str, parts: Collection[str]) -> Iterator[bytes]:
    with readers.snapshot() as db:
        session = read_session(db, session_id, ())
        view = session_parts.look_at(db, row_number(db, session_id))
        written = _written(session, view, parts)
        piece, more = _some(written)
    del session
    while True:
        yield piece
        if not more:
            return
        with readers.snapshot() as db:
            if row_number(db, session_id) != view.session:
                raise UnknownSession(session_id)
            view.db = db
            piece, more = _some(written)


def _some(written: Iterator[bytes]) -> tuple[bytes, bool]:
    """A piece, and whether there may be more."""
    some: list[bytes] = []
    size = 0
    for text in written:
        some.append(text)
        size += len(text)
        if size >= _PIECE:
            return b"".join(some), True
    return b"".join(some), False


def _written(session: Session, view: View, parts: Collection[str]) -> Iterator[bytes]:
    """The texts that are the JSON of a session together, in the order of the fields of `Session`."""
    yield encode(session)[:-1]
    for part, read in session_parts.READ.items():
        if part in parts:
            yield f',"{part}":['.encode()
            separator = b""
            for some in read(view):
                yield separator + encode(some)[1:-1]
                separator = b","
            yield b"]"
    yield b"}"
