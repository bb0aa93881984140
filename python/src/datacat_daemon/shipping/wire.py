"""The lines of a `POST /api/ingest` body (docs/design/records.md)."""

from __future__ import annotations

import json
from typing import Any

from datacat import segment as layout

from datacat_daemon.spool.manifest import Manifest
from datacat_daemon.spool.reader import Record

_KINDS = {layout.EVENT: "event", layout.STATE: "state", layout.METRIC: "metric", layout.STATUS: "status"}


def session_line(manifest: Manifest, last_heartbeat: int | None, dropped: int) -> bytes:
    """The line that says which session the following lines belong to, and brings it up to date."""
    return _line(
        {
            "kind": "session",
            "id": manifest.session_id,
            "product": manifest.product,
            "version": manifest.version,
            "time": manifest.created_us,
            "machine_id": manifest.machine_id,
            "hostname": manifest.hostname,
            "pid": manifest.pid,
            "facts": manifest.facts,
            "last_heartbeat": last_heartbeat,
            "dropped": dropped,
        }
    )


def writer_line(writer: str, first: int, following: int, lost: bool) -> bytes:
    """The line that says which ordinals `[first, following)` of a writer this body settles."""
    content = {"kind": "writer", "writer": writer, "first": first, "next": following}
    if lost:
        content["lost"] = True
    return _line(content)


def record_line(record: Record) -> bytes:
    """A record's line. Its payload is taken over as it is, not decoded. Raises ValueError if it is not an object."""
    payload = record.payload
    if not (payload.startswith(b"{") and payload.endswith(b"}")):
        raise ValueError("the payload is not a JSON object")
    # In JSON a line break is white space or wrong; here it would break the line in two.
    rest = payload[1:].replace(b"\n", b" ").lstrip()
    head = (
        f'{{"kind":"{_KINDS[record.kind]}","writer":"{record.writer}","ordinal":{record.ordinal},"time":{record.time}'
    )
    return head.encode("ascii") + (b"" if rest == b"}" else b",") + rest


def _line(content: dict[str, Any]) -> bytes:
    return json.dumps(content, separators=(",", ":")).encode("ascii")
