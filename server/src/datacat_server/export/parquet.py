"""An export as a Parquet file, by pyarrow, which is there only where it was installed."""

from collections.abc import Iterator
from typing import IO, Any

import pyarrow
from pyarrow import parquet

from datacat_server.export.columns import Columns, Tabulator

_MOST_ROWS = 20_000
_MOST_BYTES = 16 * 1024 * 1024
_READ_AT_ONCE = 1_000

_SCHEMA = pyarrow.schema(
    [
        ("session", pyarrow.string()),
        ("product", pyarrow.string()),
        ("version", pyarrow.string()),
        ("kind", pyarrow.string()),
        ("time", pyarrow.timestamp("us", tz="UTC")),
        ("name", pyarrow.string()),
        ("level", pyarrow.string()),
        ("category", pyarrow.string()),
        ("type", pyarrow.string()),
        ("value", pyarrow.float64()),
        ("unit", pyarrow.string()),
        ("tags", pyarrow.list_(pyarrow.string())),
        ("message", pyarrow.string()),
        ("record", pyarrow.string()),
    ]
)


class ParquetTable:
    """Writes the lines of an export as rows, some thousands to a group, so that memory stays bounded."""

    def __init__(self, file: IO[bytes]) -> None:
        self._writer = parquet.ParquetWriter(file, _SCHEMA, compression="zstd")
        self._tabulator = Tabulator()
        self._rows: list[Columns] = []
        self._bytes = 0

    def write(self, line: bytes) -> None:
        self._rows.append(self._tabulator.row(line))
        self._bytes += len(line)
        if len(self._rows) >= _MOST_ROWS or self._bytes >= _MOST_BYTES:
            self._flush()

    def finish(self) -> None:
        self._flush()
        self._writer.close()

    def _flush(self) -> None:
        columns: dict[str, list[Any]] = {name: [getattr(row, name) for row in self._rows] for name in _SCHEMA.names}
        self._writer.write_table(pyarrow.table(columns, schema=_SCHEMA))
        self._rows, self._bytes = [], 0


def read_parquet(file: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    """The lines of an export, each with its row, counted from 1. Raises ValueError for no such table."""
    number = 0
    try:
        with parquet.ParquetFile(file) as table:
            if "record" not in table.schema_arrow.names:
                raise ValueError("the table has no column `record`")
            for batch in table.iter_batches(batch_size=_READ_AT_ONCE, columns=["record"]):
                for record in batch.column(0).to_pylist():
                    number += 1
                    if not isinstance(record, str):
                        raise ValueError(f"row {number}: record: expected a string")
                    yield number, record.encode()
    except (pyarrow.ArrowException, OSError) as error:
        raise ValueError(f"the file is damaged: {error}") from None
