"""`manifest.json`: what a session is, as its process wrote it down (docs/design/records.md)."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FORMAT = 1


class BadManifest(ValueError):
    """The file is not a manifest that this daemon understands; the message says what is wrong."""


@dataclass(frozen=True)
class Manifest:
    """A session's identity and settings; times in microseconds since 1970 UTC, durations in seconds."""

    session_id: str
    product: str
    version: str
    created_us: int
    server_url: str
    pid: int
    api_key: str | None = None
    process_start: str | None = None
    pid_namespace: str | None = None
    boot_id: str | None = None
    machine_id: str | None = None
    hostname: str | None = None
    stack_signal: int | None = None
    batch_interval_seconds: float | None = None
    wrapped: bool = False
    facts: dict[str, Any] = field(default_factory=dict)


_REQUIRED: dict[str, tuple[type, ...]] = {
    "session_id": (str,),
    "product": (str,),
    "version": (str,),
    "created_us": (int,),
    "server_url": (str,),
    "pid": (int,),
}
_OPTIONAL: dict[str, tuple[type, ...]] = {
    "api_key": (str,),
    "process_start": (str,),
    "pid_namespace": (str,),
    "boot_id": (str,),
    "machine_id": (str,),
    "hostname": (str,),
    "stack_signal": (int,),
    "batch_interval_seconds": (int, float),
    "wrapped": (bool,),
    "facts": (dict,),
}


def read_manifest(path: Path) -> Manifest:
    """Read a manifest. Raises OSError where it cannot be read, BadManifest where it is none."""
    try:
        content = json.loads(path.read_bytes())
    except ValueError as error:
        raise BadManifest(f"not JSON: {error}") from error
    if not isinstance(content, dict):
        raise BadManifest("not a JSON object")
    if content.get("format") != FORMAT:
        raise BadManifest(f"format: expected {FORMAT}, found {content.get('format')!r}")
    fields: dict[str, Any] = {}
    for name, types in {**_REQUIRED, **_OPTIONAL}.items():
        value = content.get(name)
        if value is None and name in _OPTIONAL:
            continue
        if not isinstance(value, types) or isinstance(value, bool) != (types == (bool,)):
            raise BadManifest(f"{name}: found {value!r}")
        fields[name] = value
    return Manifest(**fields)


def a_manifest_in(folder: Path) -> Manifest | None:
    """That of one of the sessions in a process folder, None where none can be read: they are of the same process."""
    for path in folder.glob("*/manifest.json"):
        try:
            return read_manifest(path)
        except (OSError, BadManifest):
            continue
    return None
