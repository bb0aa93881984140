"""The lines of a `POST /api/ingest` body (docs/design/records.md)."""

from __future__ import annotations

import json
from typing import Any

from datacat import segment as layout

from datacat_daemon.spool.manifest import Manifest
from datacat_daemon.spool.reader import Record

_HEADS = {
    kind: b'{"kind":"%b","writer":"%%b","ordinal":%%d,"time":%%d,' % name
    for kind, name in (
        (layout.EVENT, b"event"),
        (layout.STATE, b"state"),
        (layout.METRIC, b"metric"),
        (layout.STATUS, b"status"),
    )
}


def session_line(
    manifest: Manifest,
    last_heartbeat: int | None,
    dropped: int,
    state_changes: int | None = None,
    brief: bool = False,
    records: int = 0,
) -> bytes:
    """The line that says which session the following lines belong to, and brings it up to date.

    Args:
        manifest: what the session is.
        last_heartbeat: microseconds since 1970 UTC, None before the first.
        dropped: how many records could not be kept.
        state_changes: how many changes of the state the server must have counted to take what follows.
        brief: without what the server has been told already, and never changes.
        records: how many records follow, by which the server knows whether all of them have come.
    """
    content: dict[str, Any] = {
        "kind": "session",
        "id": manifest.session_id,
        "product": manifest.product,
        "version": manifest.version,
        "time": manifest.created_us,
    }
    if not brief:
        content["machine_id"] = manifest.machine_id
        content["hostname"] = manifest.hostname
        content["boot_id"] = manifest.boot_id
        content["pid"] = manifest.pid
        content["facts"] = manifest.facts
    if last_heartbeat is not None or not brief:
        content["last_heartbeat"] = last_heartbeat
    if dropped or not brief:
        content["dropped"] = dropped
    if state_changes is not None:
        content["state_changes"] = state_changes
    if records:
        content["records"] = records
    return _line(content)


def writer_line(writer: str, first: int, following: int, lost: bool) -> bytes:
    """The line that says which ordinals `[first, following)` of a writer this body settles."""
    content = {"kind": "writer", "writer": writer, "first": first, "next": following}
    if lost:
        content["lost"] = True
    return _line(content)


def record_line(record: Record) -> bytes:
    """A record's line. Its payload, which has to look like an object, is taken over as it is, not decoded."""
    writer, ordinal, time, kind, _, payload = record
    rest = payload[1:]
    if b"\n" in rest:
        rest = rest.replace(b"\n", b" ")  # in JSON it is white space or wrong; here it would break the line in two
    if rest[:1] != b'"' and rest.lstrip() == b"}":
        return _HEADS[kind][:-1] % (writer.encode("ascii"), ordinal, time) + b"}"
    return _HEADS[kind] % (writer.encode("ascii"), ordinal, time) + rest


def _line(content: dict[str, Any]) -> bytes:
    return json.dumps(content, separators=(",", ":")).encode("ascii")
