"""Sessions that are registered and written to from here, and those that can be looked at.

For each process that a session is registered for there is a folder in the spool, like one that the client library in
the process itself would make; the daemon looks after both in the same way. So a session is found again by its id when
another daemon has taken over.

All but `note_end`, `close` and `is_shipped` is called by the listener's thread only.
"""

from __future__ import annotations

import contextlib
import re
import shutil
import threading
import time
import uuid
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from datacat import machine, spool
from datacat._compat import now_us
from datacat.tame import short_text

from datacat_daemon.config import Config
from datacat_daemon.daemon import Daemon
from datacat_daemon.http.errors import not_found, unavailable
from datacat_daemon.http.parents import facts_of, name_of, watch_parent
from datacat_daemon.http.session import CLIENT, WrittenSession, gone
from datacat_daemon.http.view import SessionView
from datacat_daemon.spool.locks import FileLock
from datacat_daemon.spool.manifest import FORMAT, BadManifest, Manifest, read_manifest
from datacat_daemon.watching.namespaces import own_namespace
from datacat_daemon.watching.process import Process, boot_id, watch_process

MOST_SESSIONS = 1_000
MOST_PARENTS = 100
MOST_VIEW_BYTES = 64 << 20
_MOST_ENDED = 100
_MOST_VIEWS = 200
_REQUESTS_PER_LOOK = 32
_ASK_SECONDS = 1.0
_ADOPTION_SECONDS = 2.0
_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{0,63}")


@dataclass(frozen=True)
class _Parent:
    """A process that sessions were registered for, and the folder that was made for it."""

    process: Process
    folder: Path


class Registry:
    """The sessions of one daemon.

    Args:
        spool_folder: where process folders are made.
        config: the daemon's settings.
        daemon: looks after the process folders.
        own_folder: the process folder that the daemon was started for, if it was.
    """

    def __init__(self, spool_folder: Path, config: Config, daemon: Daemon, own_folder: Path | None) -> None:
        self._spool = spool_folder
        self._config = config
        self._daemon = daemon
        self._own_folder = own_folder
        self._parents: dict[int, _Parent] = {}
        self._processes: dict[Path, Process] = {}
        self._written: dict[str, WrittenSession] = {}
        self._views: dict[str, SessionView] = {}
        self._requests = 0
        self._ask_at = 0.0
        self._closed = False
        self._lock = threading.Lock()

    def register(self, parent_pid: int, product: str | None, version: str | None) -> str:
        """Begin a session of a process; returns its id. Raises HttpError."""
        self._forget_ended()
        if sum(not session.ended for session in self._written.values()) >= MOST_SESSIONS:
            raise unavailable(f"there are {MOST_SESSIONS} sessions here already; end some of them first")
        with self._lock:
            if self._closed:
                raise unavailable("this daemon is about to end, as the process that started it has ended")
            try:
                return self._register(parent_pid, product, version)
            except OSError as error:
                raise unavailable(f"the session cannot be made in {self._spool}: {error.strerror}") from None

    def written(self, session_id: str) -> WrittenSession:
        """A session to write to. Raises HttpError where there is none whose process runs."""
        self._requests += 1
        if self._requests % _REQUESTS_PER_LOOK == 0:
            self._keep_within_bound()
        session = self._written.get(session_id)
        if session is None:
            session = self._take_up(session_id)
        if not session.runs:
            manifest = session.view.manifest
            self._forget_ended()
            raise gone(manifest)
        return session

    def whole(self, session_id: str) -> dict[str, Any]:
        """All that is known of a session. Raises HttpError where nothing is."""
        self._forget_ended()
        view = self._view(session_id)
        view.refresh()
        return view.whole(self._runs(view))

    def summaries(self) -> list[dict[str, Any]]:
        """The sessions that this daemon looks after or has looked after a while ago, the newest first."""
        self._forget_ended()
        views = {name: session.view for name, session in self._written.items()}
        others = [path for path in self._session_folders() if path.name not in views]
        for folder in others[:_MOST_VIEWS]:
            try:
                views[folder.name] = self._view_of(folder)
            except (OSError, BadManifest):
                continue
        views = {**self._views, **views}
        for view in views.values():
            view.refresh()
        found = [view.summary(self._runs(view)) for view in views.values()]
        return sorted(found, key=lambda summary: str(summary["created_at"]), reverse=True)

    def _session_folders(self) -> list[Path]:
        """Those that this daemon looks after, the newest first."""
        found = []
        for folder in self._daemon.folders():
            for path in folder.glob("*/manifest.json"):
                with contextlib.suppress(OSError):
                    found.append((path.stat().st_mtime, path.parent))
        return [folder for _, folder in sorted(found, reverse=True)]

    def close(self) -> None:
        """From now on no session is registered. From any thread."""
        with self._lock:
            self._closed = True

    def note_end(self, process_folder: Path) -> None:
        """A process has ended: see what is said of that, before its folder is taken away. From any thread."""
        written = [session.view for session in list(self._written.values())]
        for view in [*written, *list(self._views.values())]:
            if view.folder.parent == process_folder and view.fold.ended is None:
                view.refresh()

    def ask_to_ship(self) -> None:
        """Have all that was written shipped at once. Only once the listener is closed."""
        for session in self._written.values():
            session.ask_to_ship()

    def is_shipped(self) -> bool:
        """The server has acknowledged all that was written. Only once the listener is closed."""
        return all(session.is_shipped() for session in self._written.values())

    def _register(self, parent_pid: int, product: str | None, version: str | None) -> str:
        parent = self._parent(parent_pid)
        session_id = str(uuid.uuid4())
        server_url, api_key = self._server()
        manifest = Manifest(
            session_id=session_id,
            product=short_text(product or name_of(parent_pid)),
            version=short_text(version or "unknown"),
            created_us=now_us(),
            server_url=server_url,
            api_key=api_key,
            pid=parent_pid,
            process_start=machine.process_start(parent_pid),
            pid_namespace=own_namespace(),
            boot_id=machine.boot_id(),
            machine_id=machine.machine_id(),
            hostname=machine.hostname(),
            batch_interval_seconds=self._config.batch_interval_seconds,
            wrapped=True,
            facts={**facts_of(parent_pid), "client": CLIENT},
        )
        folder = Path(spool.session_folder(str(parent.folder), session_id))
        try:
            session = WrittenSession(folder, manifest, parent.process, self._quota, fresh=True)
            spool.write_manifest(str(folder), {"format": FORMAT, **asdict(manifest)})
        except OSError:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        self._written[session_id] = session
        if parent.folder not in self._daemon.folders():
            self._daemon.welcome(parent.folder, watch_process(parent_pid, manifest.process_start))
        return session_id

    @property
    def _quota(self) -> int:
        return self._config.process_spool_max_mb << 20

    def _parent(self, pid: int) -> _Parent:
        """The process with its folder, made if need be. Raises HttpError and OSError."""
        known = self._parents.get(pid)
        if known is not None and known.folder.is_dir():
            return known
        if len(self._parents) >= MOST_PARENTS:
            raise unavailable(f"sessions of {MOST_PARENTS} processes are here already")
        process = watch_parent(pid)
        try:
            folder = Path(spool.make_process_folder(str(self._spool), pid))
        except OSError:
            process.close()
            raise
        if known is not None:
            process.close()
            process = known.process
        self._parents[pid] = _Parent(process, folder)
        self._processes[folder] = process
        return self._parents[pid]

    def _server(self) -> tuple[str, str | None]:
        """Where sessions are shipped to: to where those of the daemon's own process are, or as configured."""
        for path in self._own_folder.glob("*/manifest.json") if self._own_folder is not None else ():
            try:
                manifest = read_manifest(path)
            except (OSError, BadManifest):
                continue
            return manifest.server_url, manifest.api_key
        return self._config.server_url, self._config.api_key

    def _take_up(self, session_id: str) -> WrittenSession:
        """Become a writer in a session of the spool: after another daemon, or beside the client in the application."""
        folder = self._find(session_id)
        try:
            manifest = read_manifest(folder / "manifest.json")
            if manifest.boot_id not in (None, boot_id()):
                raise gone(manifest)
            self._have_looked_after(folder.parent, manifest)
            process = self._processes.get(folder.parent) or watch_process(manifest.pid, manifest.process_start)
            if process is None:
                raise gone(manifest)
            self._processes[folder.parent] = process
            view = self._views.get(session_id)
            session = WrittenSession(folder, manifest, process, self._quota, fresh=False, view=view)
        except BadManifest as error:
            raise not_found(f"session_id: the manifest of session {session_id} is damaged: {error}") from None
        except (OSError, ValueError) as error:
            raise unavailable(f"session {session_id} cannot be taken up: {error}") from None
        self._views.pop(session_id, None)
        self._written[session_id] = session
        return session

    def _have_looked_after(self, process_folder: Path, manifest: Manifest) -> None:
        """See that this daemon looks after the folder, or for a client's own session any. Raises HttpError."""
        if process_folder in self._daemon.folders():
            return
        lock = FileLock(process_folder / "daemon.lock")
        if not lock.take():
            if manifest.facts.get("client") == CLIENT:
                raise not_found("session_id: another daemon looks after this session; send to its port")
            return
        lock.release()
        self._daemon.welcome(process_folder)
        deadline = time.monotonic() + _ADOPTION_SECONDS
        while process_folder not in self._daemon.folders():
            if time.monotonic() > deadline:
                raise unavailable("the session is being taken over; try again")
            time.sleep(0.005)

    def _view(self, session_id: str) -> SessionView:
        if session_id in self._written:
            return self._written[session_id].view
        if session_id in self._views:
            return self._views[session_id]
        try:
            return self._view_of(self._find(session_id))
        except (OSError, BadManifest):
            raise self._unknown(session_id) from None

    def _view_of(self, folder: Path) -> SessionView:
        if folder.name not in self._views:
            self._remember(SessionView(folder, read_manifest(folder / "manifest.json")))
        return self._views[folder.name]

    def _remember(self, view: SessionView) -> None:
        while len(self._views) >= _MOST_VIEWS:
            del self._views[next(iter(self._views))]
        self._views[view.manifest.session_id] = view

    def _retire(self, session_id: str) -> None:
        """A session is only looked at from now on; one whose process runs is taken up again if it is written to."""
        session = self._written.pop(session_id)
        session.close()
        self._remember(session.view)

    def _keep_within_bound(self) -> None:
        """Views take MOST_VIEW_BYTES at most: the oldest give their memory back, those that are over first."""
        sizes = [view.size for view in self._views.values()]
        size = sum(sizes) + sum(session.view.size for session in self._written.values())
        for name, freed in zip(list(self._views), sizes):
            if size <= MOST_VIEW_BYTES:
                return
            del self._views[name]
            size -= freed
        for session in self._written.values():
            if size <= MOST_VIEW_BYTES:
                return
            size -= session.view.size
            session.view.forget()

    def _find(self, session_id: str) -> Path:
        """A session's folder in the spool. Raises HttpError."""
        if _ID.fullmatch(session_id):
            for path in self._spool.glob(f"*/{session_id}/manifest.json"):
                return path.parent
        raise self._unknown(session_id)

    def _unknown(self, session_id: str) -> Exception:
        shown = session_id if len(session_id) <= 64 else f"{session_id[:64]}…"
        return not_found(f"session_id: there is no session {shown} here; POST /register gives one")

    def _runs(self, view: SessionView) -> bool:
        process = self._processes.get(view.folder.parent)
        if process is not None:
            return not process.has_ended()
        process = watch_process(view.manifest.pid, view.manifest.process_start)
        runs = process is not None and not process.has_ended()
        if process is not None:
            process.close()
        return runs

    def _forget_ended(self) -> None:
        """Sessions that are over are only looked at from now on; the number of a process that ended may be another's.

        Of those that have ended while their process runs, the newest stay until they are shipped: `is_shipped` is to
        know them.
        """
        ended = {folder for folder, process in self._processes.items() if process.has_ended()}
        for name, session in list(self._written.items()):
            if session.folder.parent in ended:
                self._retire(name)
        over = [name for name, session in self._written.items() if session.ended]
        now = time.monotonic()
        asks = now >= self._ask_at
        self._ask_at = now + _ASK_SECONDS if asks else self._ask_at
        for number, name in enumerate(over):
            if len(over) - number > _MOST_ENDED or (asks and self._written[name].is_shipped()):
                self._retire(name)
        self._keep_within_bound()
        for pid, parent in list(self._parents.items()):
            if parent.folder in ended:
                del self._parents[pid]
        for folder in ended:
            process = self._processes.pop(folder)
            if process not in self._processes.values():
                process.close()
