"""Takes in an export, or a part of one, line by line: each session is stored as soon as it is whole."""

from collections.abc import Iterator
from typing import IO, cast

from msgspec import Struct

from datacat_server.exchange.records import EndLine, ExportLine, ProblemMark, Row, SessionHead, SessionTail, decode
from datacat_server.exchange.replay import check_mark, header_of
from datacat_server.exchange.sequence import Sequence
from datacat_server.store.exchange import Outcome
from datacat_server.store.protocol import Store, UnknownSession


class Intaken(Struct):
    """What became of an import.

    Attributes:
        imported: sessions that were new.
        replaced: sessions that took the place of those with their ids.
        skipped: sessions that were there already, and stay as they are.
        records: the records of those that were imported or replaced.
        problems: on how many problems the marks, such as resolved, were set.
        complete: whether the line that ends an export came.
    """

    imported: int = 0
    replaced: int = 0
    skipped: int = 0
    records: int = 0
    problems: int = 0
    complete: bool = False


class Intake:
    """Stores what is fed to it. Raises ValueError, `line N: what is wrong`, with the session at fault left out."""

    def __init__(self, store: Store, *, replace: bool) -> None:
        self.done = Intaken()
        self._store = store
        self._replace = replace
        self._sequence = Sequence()
        self._number = 0
        self._head: SessionHead | None = None
        self._rows: IO[bytes] | None = None

    def feed(self, line: bytes) -> None:
        """The next line, without its end. Raises StoreError too, where the store cannot take it."""
        self._number += 1
        if not line or line.isspace():
            return
        try:
            decoded = decode(line)
            self._sequence.take(decoded)
            match decoded:
                case SessionHead():
                    self._begin(decoded)
                case SessionTail():
                    self._store_session(decoded)
                case ProblemMark():
                    check_mark(decoded)
                    self.done.problems += self._store.mark_problem(decoded)
                case ExportLine():
                    pass
                case EndLine():
                    self.done.complete = True
                case _:
                    if self._rows is not None:
                        self._rows.write(line + b"\n")
        except ValueError as error:
            raise ValueError(f"line {self._number}: {error}") from None

    def finish(self) -> None:
        """Nothing follows. Raises ValueError where a session is not whole."""
        if (inside := self._sequence.inside) is not None:
            raise ValueError(f"line {self._number}: session {inside.session} is cut short")

    def close(self) -> None:
        """Let go of what was not stored."""
        if self._rows is not None:
            self._rows.close()
            self._rows = None

    def _begin(self, head: SessionHead) -> None:
        header_of(head)
        self._head = head
        self._rows = self._store.scratch() if self._replace or not self._there(head.session) else None

    def _there(self, session: str) -> bool:
        try:
            self._store.session_change_token(session)
        except UnknownSession:
            return False
        return True

    def _store_session(self, tail: SessionTail) -> None:
        assert self._head is not None  # the sequence has seen it
        outcome = Outcome.SKIPPED
        if self._rows is not None:
            self._rows.seek(0)
            try:
                outcome = self._store.import_session(self._head, self._read(self._rows), replace=self._replace)
            except ValueError as error:
                raise ValueError(f"session {tail.session}: {error}") from None
        match outcome:
            case Outcome.SKIPPED:
                self.done.skipped += 1
            case Outcome.IMPORTED:
                self.done.imported += 1
            case Outcome.REPLACED:
                self.done.replaced += 1
        if outcome is not Outcome.SKIPPED:
            self.done.records += tail.records
        self.close()

    def _read(self, rows: IO[bytes]) -> Iterator[Row]:
        for line in rows:
            yield cast(Row, decode(line))
