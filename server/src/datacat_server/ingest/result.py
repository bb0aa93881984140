"""What became of a batch: the positions that were reached and the records that were refused."""

from msgspec import Struct, field

from datacat_server.ingest.records import Refused


class Positions(Struct):
    """The next ordinal that the server expects, by writer."""

    writers: dict[str, int] = {}


class IngestResult(Struct):
    """The answer to a batch; shape: docs/design/records.md, `POST /api/ingest`."""

    status: str = "ok"
    success: bool = True
    sessions: dict[str, Positions] = field(default_factory=dict)
    refused: list[Refused] = field(default_factory=list)
