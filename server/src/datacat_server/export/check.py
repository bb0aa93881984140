"""Looks through a whole export before any of it is taken in."""

from datacat_server.exchange.records import PointRow, SeriesRow, SessionHead, StateRow, decode
from datacat_server.exchange.replay import check_row, first_header_of, header_of
from datacat_server.exchange.sequence import Sequence


class Check:
    """Is fed the lines of an export, and counts them."""

    def __init__(self) -> None:
        self._sequence = Sequence()
        self._series: SeriesRow | None = None
        self._begun: SessionHead | None = None

    @property
    def sessions(self) -> int:
        return self._sequence.sessions

    @property
    def records(self) -> int:
        return self._sequence.records

    def feed(self, line: bytes) -> None:
        """Raises ValueError with what is wrong."""
        decoded = decode(line)
        self._sequence.take(decoded)
        match decoded:
            case SessionHead():
                header_of(decoded)
                self._begun = decoded
                return
            case StateRow() if self._begun is not None:
                first_header_of(self._begun, decoded)
                self._begun = None
            case SeriesRow():
                self._series = decoded
        check_row(decoded, self._series if isinstance(decoded, PointRow) else None)

    def finish(self) -> None:
        """Raises ValueError where the file is not whole."""
        self._sequence.check_whole()
