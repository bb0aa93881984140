"""The formats that an export can have as a file, and what its name says about that."""

from collections.abc import Callable
from enum import StrEnum
from typing import IO, Protocol

from datacat_server.export.spreadsheet import CsvTable


class Format(StrEnum):
    """Newline-delimited JSON; a table of comma-separated values; a table in columns."""

    NDJSON = "ndjson"
    CSV = "csv"
    PARQUET = "parquet"


class Compression(StrEnum):
    """How the whole file is packed; the value is the ending of its name."""

    NONE = ""
    GZIP = ".gz"
    ZSTD = ".zst"


class LineWriter(Protocol):
    """Writes the lines of an export in a format."""

    def write(self, line: bytes) -> None:
        """The next line, without its end."""
        ...

    def finish(self) -> None:
        """Write what is left."""
        ...


class MissingPackage(Exception):
    """A format needs a package that is not installed; the message says how to install it."""


_ENDINGS = {
    ".ndjson": Format.NDJSON,
    ".jsonl": Format.NDJSON,
    ".json": Format.NDJSON,
    ".csv": Format.CSV,
    ".parquet": Format.PARQUET,
}


def format_of(name: str, said: Format | None) -> tuple[Format, Compression]:
    """What a file of this name is to be, `-` for standard output. Raises ValueError where that cannot be told."""
    compression = Compression.NONE
    for ending in (Compression.GZIP, Compression.ZSTD):
        if name.lower().endswith(ending.value):
            compression, name = ending, name[: -len(ending.value)]
    format_ = said
    if format_ is None:
        format_ = next((format_ for ending, format_ in _ENDINGS.items() if name.lower().endswith(ending)), None)
    if format_ is None and name == "-":
        format_ = Format.NDJSON
    if format_ is None:
        raise ValueError("--format: the file's ending does not tell it; say ndjson, csv or parquet")
    if format_ is Format.PARQUET and compression is not Compression.NONE:
        raise ValueError(f"a Parquet file is packed inside; leave out {compression.value}")
    return format_, compression


class _Lines:
    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def write(self, line: bytes) -> None:
        self._file.write(line + b"\n")

    def finish(self) -> None:
        """There is nothing left."""


def writer_of(format_: Format) -> Callable[[IO[bytes]], LineWriter]:
    """What writes a format into a file. Raises MissingPackage."""
    match format_:
        case Format.NDJSON:
            return _Lines
        case Format.CSV:
            return CsvTable
        case Format.PARQUET:
            try:
                from datacat_server.export.parquet import ParquetTable
            except ImportError as error:
                raise parquet_is_missing() from error
            return ParquetTable


def parquet_is_missing() -> MissingPackage:
    return MissingPackage("Parquet needs pyarrow: pip install 'datacat-server[parquet]', or pip install pyarrow")
