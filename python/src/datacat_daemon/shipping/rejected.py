"""`rejected/` of a session: what its server would not take, kept for people to look at."""

from __future__ import annotations

import json
from pathlib import Path

from datacat_daemon.spool.log import DaemonLog
from datacat_daemon.spool.reader import Record
from datacat_daemon.spool.removal import REFUSED_SESSION, REJECTED

MOST_FILES = 1_000
"""Of one session, each a block of the disk at least; what is refused beyond them is only written to the log."""


class Rejected:
    """The records of one session that were set aside, and the session itself if it was refused.

    Args:
        folder: the session's folder in the spool.
        log: where each one is told.
    """

    def __init__(self, folder: Path, log: DaemonLog) -> None:
        self._folder = folder / REJECTED
        self._name = folder.name
        self._log = log
        self._count: int | None = None

    @property
    def whole_session(self) -> bool:
        """The session itself was refused."""
        return (self._folder / REFUSED_SESSION).exists()

    def keep(self, record: Record, why: dict[str, object]) -> None:
        """Set a record aside."""
        if self._count is None:
            self._count = sum(1 for _ in self._folder.glob("*")) if self._folder.is_dir() else 0
        self._count += 1
        if self._count > MOST_FILES:
            self._log.write(f"{self._name}: {MOST_FILES} were refused, no more are kept: {why.get('details')}")
            return
        name = f"{record.writer}.{record.ordinal}.json"
        self._log.write(f"{self._name}: set aside {name}: {why.get('details')}")
        payload = record.payload.decode("utf-8", "replace")
        self._write(name, {**why, "time": record.time, "kind": record.kind, "payload": payload})

    def keep_session(self, reason: str) -> None:
        """The server will not have the session at all."""
        self._write(REFUSED_SESSION, {"error": "refused", "details": reason})

    def _write(self, name: str, content: dict[str, object]) -> None:
        path = self._folder / name
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            path.write_text(json.dumps(content))
        except OSError as error:
            self._log.write(f"{path}: {error}")
