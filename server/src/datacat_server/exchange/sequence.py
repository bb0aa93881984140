"""The order of an export's lines, checked while they are read: what is cut short or put together is found out.

export
    session          one session after the other
        writer ..., state ..., series and its points ..., events and verdicts ..., refusal ...
    session_end      with the number of lines between
problem ...
end                  with the numbers of sessions, of their lines and of problems
"""

from datacat_server.exchange.records import (
    FORMAT,
    EndLine,
    ExportLine,
    Line,
    PointRow,
    ProblemMark,
    Row,
    SeriesRow,
    SessionHead,
    SessionTail,
    StateRow,
    WriterRow,
)


class Sequence:
    """Takes the lines of an export, or of a part of one, and keeps count. `inside`: the session that has no end yet."""

    def __init__(self) -> None:
        self.export: ExportLine | None = None
        self.inside: SessionHead | None = None
        self.ended = False
        self.sessions = 0
        self.records = 0
        self.problems = 0
        self._rows = 0
        self._series: SeriesRow | None = None
        self._series_count = 0
        self._has_state = False

    def take(self, line: Line) -> None:
        """Raises ValueError, with what is wrong, for a line that cannot come here."""
        if self.ended:
            raise ValueError("kind: nothing may follow the end of the export")
        if self.export is None and not isinstance(line, ExportLine):
            raise ValueError("kind: an export begins with a line of the kind export")
        match line:
            case ExportLine():
                self._begin(line)
            case SessionHead():
                self._open(line)
            case SessionTail():
                self._close(line)
            case ProblemMark():
                if self.inside is not None:
                    raise ValueError(f"kind: session {self.inside.session} has no end before this line")
                self.problems += 1
            case EndLine():
                self._end(line)
            case _:
                self._check_session(line.session)
                self._rows += 1
                self._check_row(line)

    def check_whole(self) -> None:
        """Raises ValueError where the end is missing."""
        if self.inside is not None:
            raise ValueError(f"the file is cut short: session {self.inside.session} has no end")
        if not self.ended:
            raise ValueError("the file is cut short: its last line, of the kind end, is missing")

    def _begin(self, line: ExportLine) -> None:
        if self.export is not None:
            raise ValueError("kind: an export begins once")
        if line.format != FORMAT:
            raise ValueError(f"format: {line.format} is not known here, only {FORMAT}; take a newer version of DataCat")
        self.export = line

    def _open(self, head: SessionHead) -> None:
        if self.inside is not None:
            raise ValueError(f"kind: session {self.inside.session} has no end before this one")
        if self.problems:
            raise ValueError("kind: sessions come before problems")
        self.inside = head
        self._rows, self._series, self._series_count, self._has_state = 0, None, 0, False

    def _check_session(self, session: str) -> None:
        if self.inside is None:
            raise ValueError("kind: a session has to begin before this line")
        if session != self.inside.session:
            raise ValueError(f"session: expected {self.inside.session!r}, in which this line stands")

    def _check_row(self, line: Row) -> None:
        if isinstance(line, StateRow):
            self._has_state = True
        elif not self._has_state and not isinstance(line, WriterRow):
            raise ValueError("kind: the states of a session come before this; the first one is what it began with")
        match line:
            case SeriesRow():
                if line.series != self._series_count:
                    raise ValueError(f"series: expected {self._series_count}, the next one")
                self._series, self._series_count = line, line.series + 1
            case PointRow():
                if self._series is None or line.series != self._series.series:
                    raise ValueError("series: a point has to follow the line of its series")

    def _close(self, tail: SessionTail) -> None:
        self._check_session(tail.session)
        if tail.records != self._rows:
            raise ValueError(f"records: the session has {self._rows:,} lines here, and had {tail.records:,}")
        if not self._has_state:
            raise ValueError(f"kind: session {tail.session} has no state")
        self.inside = None
        self.sessions += 1
        self.records += self._rows

    def _end(self, line: EndLine) -> None:
        if self.inside is not None:
            raise ValueError(f"kind: session {self.inside.session} has no end before the export's")
        if line != (found := EndLine(sessions=self.sessions, records=self.records, problems=self.problems)):
            raise ValueError(f"sessions: the export had {_counts(line)}, and here are {_counts(found)}")
        self.ended = True


def _counts(end: EndLine) -> str:
    return f"{end.sessions:,} sessions with {end.records:,} lines, and {end.problems:,} problems"
