"""Whether all of a body has come: what cuts one short on its way may do so at the end of a line.

A writer line settles ordinals whether or not their records follow, so what is missing of a batch would be lost for
good. A sender that says how many records follow has the whole body refused instead, and sends it again.
"""

from collections.abc import Sequence

from datacat_server.ingest.records import SessionBatch
from datacat_server.ingest.unpack import UnreadableBody

_BEGIN_OF_SESSION = b'{"kind":"session"'
_AGAIN = "it was cut short on its way; send it again, whole"


def check_whole(body: bytes, batches: Sequence[SessionBatch]) -> None:
    """Raises UnreadableBody where less is there than the session lines of its batches say.

    A line without its end has not come; nor has a session line which is all that there is and breaks off.
    """
    ended = body.endswith(b"\n")
    for batch in batches:
        announced = batch.header.records if batch.header else None
        if announced is None:
            continue
        arrived = len(batch.records) + batch.refused_records
        if arrived < announced:
            raise UnreadableBody(f"records: {arrived:,} of {announced:,} are here; {_AGAIN}")
        if not ended:
            raise UnreadableBody(f"the last line of the body has no end; {_AGAIN}")
    if not (batches or ended) and body.startswith(_BEGIN_OF_SESSION) and not body.endswith(b"}"):
        raise UnreadableBody(f"the session line has no end; {_AGAIN}")
