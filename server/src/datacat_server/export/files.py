"""Export files on disk: written under a name of their own until they are whole, packed and unpacked on the way."""

import gzip
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedRandom, BufferedReader, RawIOBase
from pathlib import Path
from typing import IO, cast

import zstandard

from datacat_server.exchange.records import LARGEST_LINE
from datacat_server.export.formats import Compression, parquet_is_missing
from datacat_server.export.spreadsheet import read_csv
from datacat_server.unfinished import begin, name_it

_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"
_PARQUET = b"PAR1"
_BUFFER = 1024 * 1024
_GZIP_LEVEL = 6

ReadableFile = BufferedReader | BufferedRandom


@contextmanager
def new_file(path: Path, *, force: bool) -> Iterator[IO[bytes]]:
    """A file for its owner only, that bears its name when the block has come to its end, and is on disk then.

    Raises FileExistsError where it is there already and is not to be replaced, and OSError; nothing is left behind.
    """
    if not force and path.exists():
        raise FileExistsError(path)
    descriptor, part = begin(path.parent, path.name)
    try:
        with open(descriptor, "wb", buffering=_BUFFER) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        name_it(part, path, replace=force)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def packed(file: IO[bytes], compression: Compression) -> Iterator[IO[bytes]]:
    """What is written into it is packed into the file."""
    match compression:
        case Compression.NONE:
            yield file
        case Compression.GZIP:
            with gzip.GzipFile(filename="", mode="wb", compresslevel=_GZIP_LEVEL, fileobj=file) as into:
                yield cast(IO[bytes], into)
        case Compression.ZSTD:
            writer = zstandard.ZstdCompressor(write_checksum=True)
            with writer.stream_writer(file, closefd=False) as into:
                yield cast(IO[bytes], into)


def read_lines(file: ReadableFile) -> Iterator[tuple[int, bytes]]:
    """The lines of an export, each with its place in the file, whatever its format and packing: its content tells.

    Raises ValueError, with the place where there is one, for what is damaged or no export, and MissingPackage.
    """
    file.seek(0)
    head = file.read(4)
    file.seek(0)
    if head == _PARQUET:
        try:
            from datacat_server.export.parquet import read_parquet
        except ImportError as error:
            raise parquet_is_missing() from error
        yield from read_parquet(file)
        return
    unpacked = _unpacked(file, head)
    try:
        if unpacked.peek(1)[:1] in (b"{", b""):
            yield from _read_ndjson(unpacked)
        else:
            yield from read_csv(unpacked)
    except (EOFError, zlib.error, gzip.BadGzipFile, zstandard.ZstdError) as error:
        raise ValueError(f"the file is damaged: {error}") from None


def _unpacked(file: ReadableFile, head: bytes) -> ReadableFile:
    if head.startswith(_GZIP):
        return BufferedReader(cast(RawIOBase, gzip.GzipFile(fileobj=file, mode="rb")), _BUFFER)
    if head.startswith(_ZSTD):
        reader = zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True, closefd=False)
        return BufferedReader(cast(RawIOBase, reader), _BUFFER)
    return file


def _read_ndjson(file: ReadableFile) -> Iterator[tuple[int, bytes]]:
    number = 0
    while line := file.readline(LARGEST_LINE + 1):
        number += 1
        if len(line) > LARGEST_LINE:
            raise ValueError(f"line {number}: is longer than {LARGEST_LINE // 2**20} MB")
        if not line.isspace():
            yield number, line.rstrip(b"\r\n")
