"""A session as its header tells of it: a new one, and one that is told of again."""

import msgspec

from datacat_server.ingest.lifecycle import Standing
from datacat_server.ingest.records import UNKNOWN_VERSION, SessionLine
from datacat_server.ingest.validate import LONGEST_WORD
from datacat_server.store.sqlite.writing.live import LiveSession

_encode = msgspec.json.Encoder().encode


def new_session(header: SessionLine) -> LiveSession:
    """A session that is in no table yet, without its first state (`first_state`)."""
    return LiveSession(
        row=0,
        created=header.time,
        updated=header.time,
        last_heartbeat=None,
        standing=Standing(),
        product=header.product,
        version=header.version,
        machine_id=header.machine_id,
        hostname=header.hostname,
        boot_id=_boot_id(header),
        pid=header.pid,
        facts=_encode(header.facts or {}).decode(),
        dropped_count=header.dropped or 0,
    )


def first_state(header: SessionLine) -> dict[str, object]:
    """What the state of a new session begins with."""
    return {"product": header.product, "version": header.version}


def bring_up_to_date(session: LiveSession, header: SessionLine) -> None:
    """Take over what a later header says; what it leaves out stays."""
    session.product = header.product
    if header.version != UNKNOWN_VERSION:
        session.version = header.version
    session.created = min(session.created, header.time)
    session.machine_id = header.machine_id or session.machine_id
    session.hostname = header.hostname or session.hostname
    session.boot_id = _boot_id(header) or session.boot_id
    session.pid = header.pid if header.pid is not None else session.pid
    if header.facts is not None:
        session.facts = _encode(header.facts).decode()
    session.dropped_count = max(session.dropped_count, header.dropped or 0)


def _boot_id(header: SessionLine) -> str | None:
    """What the sender says of the machine's start, in a field of its own or among the facts."""
    if header.boot_id is not None:
        return header.boot_id
    said = (header.facts or {}).get("boot_id")
    return said[:LONGEST_WORD] if isinstance(said, str) else None
