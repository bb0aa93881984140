"""Watches one application process: its folder of the spool, its sessions as they come, and its death."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from datacat_daemon.config import Config
from datacat_daemon.shipping.shipper import Shipper
from datacat_daemon.spool.locks import FileLock
from datacat_daemon.spool.log import DaemonLog
from datacat_daemon.spool.manifest import BadManifest, read_manifest
from datacat_daemon.spool.release import release_is_asked
from datacat_daemon.spool.removal import remove_process
from datacat_daemon.spool.wake import WakePipe
from datacat_daemon.watching.namespaces import may_be_hidden, whereabouts
from datacat_daemon.watching.observer import Observed, Observer
from datacat_daemon.watching.process import Process, process_of, watch_process
from datacat_daemon.watching.session_watch import SessionWatch
from datacat_daemon.watching.sleep import Sleep

_FIND_SECONDS = 0.25
_RETRY_SECONDS = 1.0
_UNNAMED_SECONDS = 30.0


class ProcessWatch:
    """One process folder, for which this daemon holds `daemon.lock`. Use `adopt` to get one.

    Attributes:
        folder: the process folder.
        complete: the process has ended and there is nothing left to do for it.
    """

    @classmethod
    def adopt(
        cls, folder: Path, shipper: Shipper, config: Config, process: Process | None = None, by_hand: bool = False
    ) -> ProcessWatch | None:
        """Look after a process folder from now on; None if another daemon does, or it is gone.

        None also for a process that may live in a PID namespace which is not seen from here.

        Args:
            folder: the process folder.
            shipper: takes its sessions' records to their servers.
            config: the daemon's settings.
            process: the process, if it is watched already.
            by_hand: also where somebody has asked daemons to let go of it.
        """
        if process is None and may_be_hidden(folder):
            return None
        if not by_hand and release_is_asked(folder):
            return None
        lock = FileLock(folder / "daemon.lock")
        return cls(folder, lock, shipper, config, process) if lock.take() else None

    def __init__(self, folder: Path, lock: FileLock, shipper: Shipper, config: Config, process: Process | None) -> None:
        self.folder = folder
        self.complete = False
        self._lock = lock
        self._pipe = WakePipe(folder)
        self._shipper = shipper
        self._config = config
        self._log = DaemonLog(folder / "daemon.log")
        self._sessions: dict[str, SessionWatch] = {}
        self._left_alone: set[str] = set()
        self._process: Process | None = None
        self._observer: Observer | None = None
        self._identified = process is not None
        self._exit_status: int | None = None
        self._seen_alive = process is not None
        self._find_at = 0.0
        self._conclude_at = 0.0
        self._unnamed_until = time.monotonic() + _UNNAMED_SECONDS
        if process is not None:
            self._begin_to_watch(process)
            self._log.write(f"looks after process {process.pid}")

    @property
    def process(self) -> Process | None:
        """The process while it runs."""
        return self._process

    @property
    def ended(self) -> bool:
        """The process has ended."""
        return self._identified and self._process is None

    @property
    def released(self) -> bool:
        """The process has ended, and somebody has asked to have its records: nothing more is shipped from here."""
        if not (self.ended and release_is_asked(self.folder)):
            return False
        for session in self._sessions.values():
            session.release()
        return True

    @property
    def only_waits(self) -> bool:
        """The process has ended, all verdicts are written, and a server does not take them."""
        sessions = list(self._sessions.values())
        return (
            self.ended and all(session.settled for session in sessions) and any(session.failing for session in sessions)
        )

    @property
    def hurried(self) -> bool:
        """It has to be looked at again very soon, not only when one of the `wakers` says so."""
        return (
            self._process is None
            or self._process.fileno() < 0
            or self._pipe.fileno() < 0
            or any(session.hurried for session in self._sessions.values())
        )

    def wakers(self) -> list[int]:
        """Descriptors that are readable when it is to be looked at now."""
        ends = -1 if self._process is None else self._process.fileno()
        return [descriptor for descriptor in (ends, self._pipe.fileno()) if descriptor >= 0]

    def look(self, now: float) -> None:
        """One turn; `now` in seconds on the monotonic clock."""
        if self._pipe.clear() or now >= self._find_at:
            self._find_at = now + _FIND_SECONDS
            self._restore_what_was_deleted()
            self._find_sessions()
        if not self._identified:
            self._identify(now)
        if self._process is not None and self._process.has_ended():
            self._exit_status = self._process.exit_status()
            self._process.close()
            self._process = None
            self._find_sessions()
        observed = self._observe(now)
        for session in self._sessions.values():
            with self._guard(session):
                session.look(now, self._process, observed)
        if self.ended:
            self._wind_up(now)

    def note_sleep(self, sleep: Sleep) -> None:
        """The machine slept."""
        if self._process is not None:
            for session in self._sessions.values():
                session.note_sleep(sleep)

    def close(self) -> None:
        """Look after it no more: another daemon may."""
        # on Windows a folder goes only once the lock in it is let go of
        gone = self.complete and sys.platform == "win32"
        if self._process is not None:
            self._process.close()
        for session in self._sessions.values():
            session.close()
        self._pipe.close()
        self._lock.release()
        if gone:
            self._remove()

    def _restore_what_was_deleted(self) -> None:
        if self._process is None or self._process.has_ended():
            return
        whole = self.folder.is_dir()
        for session in self._sessions.values():
            with self._guard(session):
                if not session.folder.is_dir():
                    session.restore()
        if not whole and self.folder.is_dir():
            self._log.write("the folder was deleted, and is made again")
            lock = FileLock(self.folder / "daemon.lock")
            if lock.take():
                self._lock.release()
                self._lock = lock

    def _find_sessions(self) -> None:
        try:
            names = os.listdir(self.folder)
        except OSError:
            return
        for name in names:
            if name in self._sessions or name in self._left_alone:
                continue
            folder = self.folder / name
            try:
                manifest = read_manifest(folder / "manifest.json")
                self._sessions[name] = SessionWatch(folder, manifest, self._shipper, self._log)
            except NotADirectoryError:
                self._left_alone.add(name)
            except FileNotFoundError:
                continue  # a session that is just being made
            except OSError as error:
                self._log.write(f"{name} cannot be read now: {error}")
            except Exception as error:  # whatever a damaged folder holds, the other sessions are looked after
                what = error if isinstance(error, BadManifest) else repr(error)
                self._log.write(f"{name} is left alone: {what}")
                self._left_alone.add(name)

    def _identify(self, now: float) -> None:
        named = process_of(self.folder)
        place = None if named is None else named[0]
        for session in self._sessions.values():
            manifest = session.manifest
            named = manifest.pid, manifest.process_start
            place = whereabouts(manifest.pid, manifest.process_start, manifest.pid_namespace).pid
            break
        if named is not None:
            process = None if place is None else watch_process(place, named[1])
            if process is not None:
                self._begin_to_watch(process)
            self._seen_alive = process is not None
            self._identified = True
            self._log.write(f"looks after process {named[0]}{'' if self._seen_alive else ', which is gone'}")
        elif now > self._unnamed_until:
            self._identified = True

    def _begin_to_watch(self, process: Process) -> None:
        self._process = process
        self._observer = Observer(process.pid, self._config.vitals_interval_seconds, time.monotonic())

    def _observe(self, now: float) -> Observed | None:
        if self._process is None or self._observer is None:
            return None
        return self._observer.look(now, any(session.heartbeat_is_watched for session in self._sessions.values()))

    def _wind_up(self, now: float) -> None:
        if now >= self._conclude_at:
            self._conclude_at = now + _RETRY_SECONDS
            for session in self._sessions.values():
                if not session.settled:
                    with self._guard(session):
                        session.conclude(now, self._exit_status, self._seen_alive, self._observer)
        for name, session in list(self._sessions.items()):
            with self._guard(session):
                session.finish(now)
            if session.done or session.refused or session.undeliverable or not session.folder.exists():
                del self._sessions[name]
                self._left_alone.add(name)
                self._clear(session)
        if not self._sessions:
            self._remove()

    @contextlib.contextmanager
    def _guard(self, session: SessionWatch) -> Iterator[None]:
        """Whatever is odd about one session, the others are looked after; it is looked at again next turn."""
        try:
            yield
        except Exception as error:
            self._log.write(f"{session.folder.name}: {error!r}")

    def _clear(self, session: SessionWatch) -> None:
        try:
            if session.done:
                session.remove()
            else:
                session.release()
                session.close()
        except OSError as error:
            self._log.write(f"{session.folder.name} could not be removed: {error}")

    def _remove(self) -> None:
        self.complete = True
        try:
            remove_process(self.folder)
        except OSError as error:
            self._log.write(f"not all could be removed: {error}")
