"""An export as comma-separated values (RFC 4180), for spreadsheets too.

A spreadsheet takes text that begins with `= + - @` for a formula, and what an application logged must never be run.
Such text gets an apostrophe in front, which spreadsheets read as "this is text", and control characters are replaced.
That changes the columns for people only; `record`, which an import reads, begins with a brace and holds everything.
"""

import csv
import io
import re
from collections.abc import Iterator
from typing import IO

import msgspec

from datacat_server.exchange.records import LARGEST_LINE
from datacat_server.export.columns import Columns, Tabulator

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f]")
_BUFFERED = 256 * 1024
_LONGEST = 2 * LARGEST_LINE
"""Of a line with a record: in quotes, its own are doubled."""

_encode = msgspec.json.Encoder().encode


class CsvTable:
    """Writes the lines of an export as rows; the first row has the names of the columns."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._text = io.StringIO(newline="")
        self._rows = csv.writer(self._text)
        self._tabulator = Tabulator()
        self._rows.writerow(Columns.__struct_fields__)

    def write(self, line: bytes) -> None:
        self._rows.writerow(_cells(self._tabulator.row(line)))
        if self._text.tell() >= _BUFFERED:
            self._flush()

    def finish(self) -> None:
        self._flush()

    def _flush(self) -> None:
        self._file.write(self._text.getvalue().encode())
        self._text.seek(0)
        self._text.truncate()


def _cells(row: Columns) -> list[object]:
    return [
        _text(row.session),
        _text(row.product),
        _text(row.version),
        row.kind,
        None if row.time is None else _encode(row.time).decode().strip('"'),
        _text(row.name),
        _text(row.level),
        _text(row.category),
        _text(row.type),
        row.value,
        _text(row.unit),
        None if row.tags is None else _text(_encode(row.tags).decode()),
        _text(row.message),
        row.record,
    ]


def _text(text: str | None) -> str | None:
    if text is None:
        return None
    text = _CONTROL.sub("\ufffd", text)
    return f"'{text}" if text.startswith(_FORMULA) else text


def read_csv(file: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    """The lines of an export, each with that of the file in which its row ends. Raises ValueError for no such table."""
    csv.field_size_limit(LARGEST_LINE)
    text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
    rows = csv.reader(_lines(text), strict=True)
    try:
        names = next(rows, [])
        if "record" not in names:
            raise ValueError("line 1: expected the names of the columns, and `record` among them")
        column = names.index("record")
        for row in rows:
            if not row:
                continue
            if len(row) <= column:
                raise ValueError(f"line {rows.line_num}: has {len(row)} columns, and `record` is number {column + 1}")
            yield rows.line_num, row[column].encode()
    except csv.Error as error:
        raise ValueError(f"line {rows.line_num}: {error}") from None
    except UnicodeDecodeError:
        raise ValueError(f"line {rows.line_num + 1}: is not UTF-8") from None
    finally:
        text.detach()


def _lines(text: io.TextIOWrapper) -> Iterator[str]:
    """The lines, none of which is longer than that of any record: what is left of a foreign file stays unread."""
    while line := text.readline(_LONGEST + 1):
        if len(line) > _LONGEST:
            raise csv.Error(f"is longer than {_LONGEST // 2**20} MB")
        yield line
