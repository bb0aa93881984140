"""A session that is written to from here: its recorder, its control page, and what its records come to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from datacat._compat import now_us
from datacat.control import ENDED_BY_CALL, ControlPage
from datacat.encode import encode
from datacat.recorder import Recorder
from datacat.wake import wake

from datacat_daemon.http.errors import HttpError, bad_request, not_found, unavailable
from datacat_daemon.http.view import SessionView
from datacat_daemon.spool.acknowledged import positions_in
from datacat_daemon.spool.manifest import Manifest
from datacat_daemon.watching.process import Process
from datacat_daemon.watching.verdict_writer import OWN_PREFIX

CLIENT = "http"
"""What the manifest's facts say of a session that was registered here: its control page is ours to write."""


class WrittenSession:
    """A session in the spool with a writer of our own in it.

    Args:
        folder: its folder.
        manifest: what it is.
        process: the process that it belongs to.
        quota: bytes that its segments may take.
        fresh: it has no control page yet.
        view: how it was looked at before, if it was.

    Raises OSError or ValueError where its control page cannot be had.
    """

    def __init__(
        self,
        folder: Path,
        manifest: Manifest,
        process: Process,
        quota: int,
        fresh: bool,
        view: SessionView | None = None,
    ) -> None:
        self.folder = folder
        self._process = process
        self._registered = manifest.facts.get("client") == CLIENT
        # The page of a client in the application itself is that client's. Drops are answered, so nobody misses ours.
        self._control = ControlPage(str(folder / "control") if self._registered else None, existing=not fresh)
        self._recorder = recorder = Recorder(str(folder), quota=quota, control=self._control)
        self.view = SessionView(folder, manifest) if view is None else view
        known = set(self.view.known_writers())
        self.view.known_writers = lambda: known.union(recorder.written())
        self.view.refresh()
        self._monitors = bool(self.view.control.monitoring)
        self._ended = bool(self.view.control.ended_us)

    @property
    def runs(self) -> bool:
        """Its process does."""
        return not self._process.has_ended()

    @property
    def ended(self) -> bool:
        """Its end was said here, or before."""
        return self._ended

    def close(self) -> None:
        """Let go of its files: nothing is written here any more. Its view stays as it is."""
        self.view.refresh()
        known = frozenset(self.view.known_writers())
        self.view.known_writers = lambda: known
        self._recorder.seal()
        self._control.page.close()

    def write(self, kind: int, flags: int, fields: dict[str, Any]) -> None:
        """Commit a record. Raises HttpError where it is not kept.

        A record that is committed while the process runs is in what is read after its death, so it arrives. Of one that
        came after that nobody knows: it is not said to be kept.
        """
        self._check_runs()
        payload = encode(fields)
        if not self._recorder.write(kind, flags, payload):
            raise unavailable("the record is not kept: the disk or the quota of the spool is full; send it again")
        self._check_runs()
        self.view.add(kind, now_us(), payload)

    def heartbeat(self, timeout: float | None, default_timeout: float) -> None:
        """One beat; the first one, and one with a timeout, begin to watch for the next. Raises HttpError."""
        self._check_own()
        if timeout is not None or not self._monitors:
            self._monitors = True
            self._control.monitor(default_timeout if timeout is None else timeout)
        else:
            self._control.beat()
        self.view.last_heartbeat = now_us()

    def pause(self, paused: bool) -> None:
        """Hold the watching of the heartbeat, or let it go on. Raises HttpError."""
        self._check_own()
        self._control.pause(paused)
        if not paused:
            self.view.last_heartbeat = now_us()

    def uncaught(self) -> None:
        """The exception that was just written is about to end the process. Raises HttpError."""
        self._check_own()
        self._control.uncaught(now_us())

    def end(self) -> None:
        """The session ends here; what is written after that still arrives. Raises HttpError."""
        self._check_own()
        if not self._ended:
            self._ended = True
            self._control.end(now_us(), ENDED_BY_CALL)
            self._recorder.seal()
            wake(str(self.folder.parent))

    def ask_to_ship(self) -> None:
        """Have what was written shipped at once."""
        if self._registered:
            self._control.request_flush()
            wake(str(self.folder.parent))

    def is_shipped(self) -> bool:
        """The server has acknowledged all that was written here."""
        acknowledged = positions_in(self.folder)
        written = self._recorder.written().items()
        verdict_too = not self._ended or any(writer.startswith(OWN_PREFIX) for writer in acknowledged)
        return not self.folder.exists() or (
            verdict_too and all(acknowledged.get(writer, 0) >= following for writer, following in written)
        )

    def _check_own(self) -> None:
        self._check_runs()
        if not self._registered:
            raise bad_request("session_id: heartbeat and end of this session are for its own application to say")

    def _check_runs(self) -> None:
        if not self.runs:
            raise gone(self.view.manifest)


def gone(manifest: Manifest) -> HttpError:
    """The process of a session has ended, and the session with it."""
    return not_found(
        f"session_id: process {manifest.pid} of session {manifest.session_id} has ended; register a new session"
    )
