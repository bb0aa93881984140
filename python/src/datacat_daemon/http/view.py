"""A session as `GET /session` shows it, from what lies in the spool, also while no server can be reached."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

from datacat_daemon.http.session_fold import Fold
from datacat_daemon.spool.control import Control, ControlReader
from datacat_daemon.spool.manifest import Manifest
from datacat_daemon.spool.reader import Record, WriterReader, writers_in
from datacat_daemon.times import rfc3339
from datacat_daemon.watching.verdict_writer import OWN_PREFIX

_NEWEST_SEGMENTS = 4
_PASS_RECORDS = 20_000
_NOT_JUDGED = "the process has ended; what became of it is not said yet"


class SessionView:
    """One session. Records that were shipped and deleted before the first look are not in it.

    Args:
        folder: its folder in the spool.
        manifest: what it is.

    Attributes:
        fold: what its records come to.
        known_writers: names of writers whose records are given to `add` by whoever writes them.
        last_heartbeat: if whoever writes them knows it: when the last beat was, microseconds since 1970 UTC.
        control: the control page as it was at the last look.
    """

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        self.folder = folder
        self.manifest = manifest
        self.fold = Fold(manifest.product, manifest.version)
        self.last_heartbeat: int | None = None
        self.known_writers: Callable[[], Collection[str]] = tuple
        self._readers: dict[str, WriterReader] = {}
        self._lock = threading.Lock()
        self.control = Control()

    def add(self, kind: int, time: int, payload: bytes) -> None:
        """Take a record of a known writer; for the arguments see `Fold.add`."""
        with self._lock:
            self.fold.add(kind, time, payload)

    @property
    def size(self) -> int:
        """Bytes that it takes, about."""
        return self.fold.size

    def forget(self) -> None:
        """Give its memory back: from now on it shows what comes after this."""
        with self._lock:
            self.fold = self.fold.without_records()

    def refresh(self) -> None:
        """Read what is new. What cannot be read now is not shown now. From any thread."""
        with self._lock:
            self._refresh()

    def _refresh(self) -> None:
        fresh: list[Record] = []
        try:
            known = self.known_writers()
            for writer in writers_in(self.folder):
                if writer not in known and writer not in self._readers:
                    self._readers[writer] = WriterReader(self.folder, writer, newest=_NEWEST_SEGMENTS)
            for reader in self._readers.values():
                fresh += reader.read(_PASS_RECORDS)
                reader.close()
            control = ControlReader(self.folder / "control")
            self.control = control.read() if self.folder.exists() else self.control
            control.close()
        except OSError:
            pass
        for record in sorted(fresh, key=lambda record: record.time):
            self.fold.add(record.kind, record.time, record.payload, record.writer.startswith(OWN_PREFIX))

    def summary(self, runs: bool) -> dict[str, Any]:
        """One row of the list of sessions; `runs` says whether its process does."""
        fold, manifest = self.fold, self.manifest
        ended = fold.ended or self.control.ended_us or None
        over = ended is not None or not runs
        status = "active" if not over else "crashed" if fold.crashed else "ended"
        if not over and (fold.hung or fold.suspended):
            status = "hung" if fold.hung else "suspended"
        return {
            "id": manifest.session_id,
            "session_id": manifest.session_id,
            "status": status,
            "active": not over and not fold.suspended,
            "suspended": fold.suspended and not over,
            "crashed": fold.crashed,
            "hung": fold.hung,
            "reason": fold.reason or (None if runs else _NOT_JUDGED),
            "created_at": rfc3339(manifest.created_us),
            "updated_at": rfc3339(max(fold.updated, manifest.created_us)),
            "ended_at": rfc3339(ended),
            "last_heartbeat": rfc3339(self.last_heartbeat),
            "product": manifest.product,
            "version": manifest.version,
            "pid": manifest.pid,
            "machine_id": manifest.machine_id,
            "hostname": manifest.hostname,
            "dropped_count": self.control.dropped,
        }

    def whole(self, runs: bool) -> dict[str, Any]:
        """All that is known of it."""
        return {
            **self.summary(runs),
            "facts": self.manifest.facts,
            "state": self.fold.state,
            "events": self.fold.events(),
            "metrics": self.fold.metrics.readings(),
            "vitals": self.fold.vitals.readings(),
        }
