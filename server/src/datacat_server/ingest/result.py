"""What became of a batch: the positions that were reached and the records that were refused."""

from msgspec import UNSET, Struct, UnsetType, field

from datacat_server.ingest.records import Refused


class Positions(Struct):
    """How far the records of a session are settled.

    Attributes:
        writers: by writer, the next ordinal that the server expects.
        state_changes: how often the state has changed; absent unless the ranges of all writers were applied just now.
    """

    writers: dict[str, int]
    state_changes: int | UnsetType = UNSET


class IngestResult(Struct):
    """The answer to a batch; shape: docs/design/records.md, `POST /api/ingest`.

    Attributes:
        status: always `ok`.
        success: always true.
        sessions: by session id, how far it is settled; a session whose line was refused is not there.
        refused: the records that could not be taken; all others were. At most 10,000 are named.
        applied: how many records were applied just now; those that were sent again are not among them.
    """

    status: str = "ok"
    success: bool = True
    sessions: dict[str, Positions] = field(default_factory=dict)
    refused: list[Refused] = field(default_factory=list)
    applied: int = 0
