"""An export as it is sent or written: its lines, while they are read, in bounded memory."""

from collections.abc import Iterable, Iterator
from contextlib import closing
from datetime import UTC, datetime

from datacat_server import __version__
from datacat_server.exchange.records import FORMAT, LARGEST_LINE, EndLine, ExportLine, SessionTail, decode, encode
from datacat_server.filters import Filter, to_query
from datacat_server.store.protocol import Store

_CHUNK = 256 * 1024

_HEAD = b'{"kind":"export",'
_TAIL = b'{"kind":"session_end",'
_PROBLEM = b'{"kind":"problem",'
_END = b'{"kind":"end",'


def export_stream(store: Store, wanted: Filter) -> Iterator[bytes]:
    """Newline-delimited JSON, cut anywhere: the sessions of a filter, oldest first, each as of one moment.

    Nothing of the store is held while the reader takes its time. Raises StoreError.
    """
    gathered = bytearray()
    for piece in _pieces(store, wanted):
        gathered += piece
        if len(gathered) >= _CHUNK:
            yield bytes(gathered)
            gathered.clear()
    yield bytes(gathered)


def _pieces(store: Store, wanted: Filter) -> Iterator[bytes]:
    head = ExportLine(
        format=FORMAT,
        program=f"datacat {__version__}",
        time=datetime.now(UTC),
        sessions=store.count_sessions(wanted),
        filter=to_query(wanted),
    )
    yield encode(head) + b"\n"
    sessions = records = 0
    for exported in store.export(wanted):
        with closing(exported.lines) as lines:
            while chunk := lines.read(_CHUNK):
                yield chunk
        sessions += 1
        records += exported.records
    marks = store.problem_marks(wanted)
    for mark in marks:
        yield encode(mark) + b"\n"
    yield encode(EndLine(sessions=sessions, records=records, problems=len(marks))) + b"\n"


class LineSplitter:
    """Makes lines of what comes in pieces."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._length = 0

    def split(self, chunk: bytes) -> list[bytes]:
        """The lines, without their ends, that this piece completes. Raises ValueError for one too long to be any."""
        first, end, others = chunk.partition(b"\n")
        self._pieces.append(first)
        self._length += len(first)
        if self._length > LARGEST_LINE:
            raise ValueError(f"a line is longer than {LARGEST_LINE // 2**20} MB")
        if not end:
            return []
        begun = b"".join(self._pieces)
        *whole, rest = others.split(b"\n")
        self._pieces, self._length = [rest], len(rest)
        return [begun, *whole]

    def rest(self) -> bytes:
        """What came after the last line's end."""
        return b"".join(self._pieces)


def lines_of(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The lines, without their ends, of what comes in pieces. Raises ValueError for one too long to be any."""
    splitter = LineSplitter()
    for chunk in chunks:
        yield from splitter.split(chunk)
    if rest := splitter.rest():
        yield rest


class Tally:
    """How far an export has come, told from its lines. `total`: the sessions that it had when it began."""

    def __init__(self) -> None:
        self.total = 0
        self.sessions = 0
        self.records = 0
        self.problems = 0
        self.complete = False

    def take(self, line: bytes) -> None:
        """Raises ValueError for what begins like no export, or says at its end that something is missing."""
        if line.startswith(_TAIL):
            if isinstance(tail := decode(line), SessionTail):
                self.sessions += 1
                self.records += tail.records
        elif line.startswith(_HEAD):
            if isinstance(head := decode(line), ExportLine):
                self.total = head.sessions
        elif line.startswith(_PROBLEM):
            self.problems += 1
        elif line.startswith(_END):
            end = decode(line)
            if end != EndLine(sessions=self.sessions, records=self.records, problems=self.problems):
                raise ValueError("the export came incomplete; try again")
            self.complete = True
