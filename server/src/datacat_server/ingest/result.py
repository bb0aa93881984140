"""What became of a batch: the positions that were reached and the records that were refused."""

from msgspec import UNSET, Struct, UnsetType, field

from datacat_server.ingest.records import Refused


class Positions(Struct):
    """The next ordinal that the server expects, by writer.

    `state_changes`: how often the state has changed, where what was sent of every writer was applied just now.
    """

    writers: dict[str, int]
    state_changes: int | UnsetType = UNSET


class IngestResult(Struct):
    """The answer to a batch; shape: docs/design/records.md, `POST /api/ingest`.

    `applied`: how many records have been applied just now; those that were sent again are not among them.
    """

    status: str = "ok"
    success: bool = True
    sessions: dict[str, Positions] = field(default_factory=dict)
    refused: list[Refused] = field(default_factory=list)
    applied: int = 0
