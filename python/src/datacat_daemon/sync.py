"""`datacat sync`: ships by hand what is left in the spool, and says what of it could not be shipped, and why.

What is left of processes that have ended is shipped from here, by what daemons do it with; the next daemon on the
machine would do so by itself. A process that runs has a daemon, or is given one: that is asked to ship at once.
"""

from __future__ import annotations

import dataclasses
import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from datacat import launch, spool
from datacat.address import server_address
from datacat.control import ControlPage
from datacat.http import exchange
from datacat.wake import wake

from datacat_daemon.config import Config
from datacat_daemon.janitor import runs
from datacat_daemon.shipping.endpoint import CERTIFICATE, KEY_ADVICE, certificate_trouble, explained
from datacat_daemon.shipping.shipment import Shipment
from datacat_daemon.shipping.shipper import Shipper
from datacat_daemon.spool.folders import process_folders
from datacat_daemon.spool.locks import FileLock
from datacat_daemon.spool.log import DaemonLog, last_trouble
from datacat_daemon.spool.manifest import BadManifest, Manifest, read_manifest
from datacat_daemon.spool.release import ask_for_release, withdraw
from datacat_daemon.spool.removal import MANIFEST, REFUSED_SESSION, REJECTED
from datacat_daemon.spool.waiting import Waiting
from datacat_daemon.watching.process import process_of
from datacat_daemon.watching.process_watch import ProcessWatch

PATIENCE_SECONDS = 10.0
_TURN_SECONDS = 0.05
_ANSWER_SECONDS = 3.0
_STOP_SECONDS = 5.0
_RELEASE_SECONDS = 5.0
_MOST_AT_ONCE = 32


@dataclass
class Leftover:
    """One session in the spool.

    Attributes:
        folder: of the session.
        manifest: what it is.
        records: how many waited when it was found.
        waiting: how many of them wait still.
        settled: nothing more will become of it here.
        why: why it could not be shipped; None while it may be, and once it is.
    """

    folder: Path
    manifest: Manifest
    records: int
    waiting: int
    settled: bool = False
    why: str | None = None

    @property
    def shipped(self) -> bool:
        """The server has all of it."""
        return self.settled and self.why is None


class Sync:
    """Ships what is left in spools.

    Args:
        config: the settings of the daemon.
        server_url: where to ship to in place of each session's own server; with $DATACAT_API_KEY, if that is set.
        api_key: what to ship with in place of each session's own key.
        spools: the folders; by default where records are kept for this user.
        patience: seconds without any progress after which a session is given up.

    Attributes:
        sessions: what was found.
        unreadable: folders in which there may be more, each with why they cannot be read.
    """

    def __init__(
        self,
        config: Config,
        server_url: str | None = None,
        spools: list[Path] | None = None,
        patience: float = PATIENCE_SECONDS,
        api_key: str | None = None,
    ) -> None:
        self._config = config
        self._api_key = api_key
        self._server_url = (server_address(server_url) or server_url) if server_url else None
        self._patience = patience
        self._watches: dict[Path, ProcessWatch] = {}
        self._to_come: dict[Path, list[Leftover]] = {}
        self._counts: dict[Path, Waiting] = {}
        self._spools = [Path(root) for root in spool.spool_roots()] if spools is None else spools
        self.sessions: list[Leftover] = []
        self.unreadable: dict[Path, str] = {}
        for manifest in self._in_sessions(MANIFEST):
            self._find(manifest.parent)

    def run(self, progress: Callable[[], None]) -> bool:
        """Ship; True if nothing is left.

        Args:
            progress: called again and again, when `sessions` may have changed.
        """
        shipper = _OtherwiseShipper(self._config, self._server_url, self._api_key)
        try:
            self._set_unreachable_aside()
            for session in self.sessions:
                if not session.settled:
                    self._to_come.setdefault(session.folder.parent, []).append(session)
            moved = time.monotonic()
            while any(not session.settled for session in self.sessions):
                while self._to_come and len(self._watches) < _MOST_AT_ONCE:
                    folder = next(iter(self._to_come))
                    self._begin(folder, self._to_come.pop(folder), shipper)
                if self._turn(out_of_patience=time.monotonic() - moved > self._patience):
                    moved = time.monotonic()
                progress()
                time.sleep(_TURN_SECONDS)
        finally:
            shipper.stop(_STOP_SECONDS)
            for watch in self._watches.values():
                watch.close()
        progress()
        return self.complete

    @property
    def complete(self) -> bool:
        """Nothing is left, as far as anybody can tell."""
        return not self.unreadable and all(session.shipped for session in self.sessions)

    def set_aside(self) -> list[Path]:
        """Records that servers would not take; they are kept for people to look at."""
        return [path for path in self._in_sessions(f"{REJECTED}/*.json") if path.name != REFUSED_SESSION]

    def _in_sessions(self, pattern: str) -> list[Path]:
        """Files of sessions; what keeps folders from being looked through is noted."""
        found: list[Path] = []
        for root in self._spools:
            try:
                for process in process_folders(root):
                    self._look_through(process, pattern, found)
            except FileNotFoundError:
                continue  # nothing was ever logged there
            except OSError as error:
                self.unreadable[root] = error.strerror or str(error)
        return found

    def _look_through(self, process: Path, pattern: str, found: list[Path]) -> None:
        try:
            os.listdir(process)  # a pattern finds nothing in a folder that cannot be read, and does not say so
            found += sorted(process.glob(f"*/{pattern}"))
        except FileNotFoundError:
            pass  # shipped meanwhile
        except OSError as error:
            self.unreadable[process] = error.strerror or str(error)

    def _find(self, folder: Path) -> None:
        try:
            manifest = read_manifest(folder / MANIFEST)
            waiting = Waiting(folder)
        except (OSError, BadManifest):
            return  # shipped since, or never whole
        if waiting.total or not runs(folder.parent):
            self._counts[folder] = waiting
            self.sessions.append(Leftover(folder, manifest, waiting.total, waiting.total))

    def _set_unreachable_aside(self) -> None:
        troubles: dict[str, str | None] = {}
        for session in self.sessions:
            named = self._server_url or session.manifest.server_url
            if named not in troubles:
                troubles[named] = _trouble_with(named, self._config)
            if troubles[named] is not None:
                session.settled, session.why = True, troubles[named]

    def _begin(self, folder: Path, sessions: list[Leftover], shipper: Shipper) -> None:
        """Have a process's sessions shipped: by its daemon, or from here."""
        alive = runs(folder)
        if not alive:
            otherwise = any(self._is_shipped_otherwise(session.manifest) for session in sessions) or _lacks(folder)
            watch = self._take_over(folder, shipper) if otherwise else self._adopt(folder, shipper)
            if watch is not None:
                self._watches[folder] = watch
                return
        elif not _is_held(folder) and (named := process_of(folder)) is not None:
            launch.start_daemon(str(folder), named[0])
        for session in sessions:
            if self._is_shipped_otherwise(session.manifest):
                how = f"to {session.manifest.server_url}" if self._goes_elsewhere(session.manifest) else "with its key"
                session.settled, session.why = True, f"its daemon ships it {how}"
                session.why += "; when its program has ended, run this again" if alive else " and does not let go of it"
            elif (session.folder / "control").exists():
                ControlPage(str(session.folder / "control"), existing=True).request_flush()
                wake(str(session.folder.parent))

    def _goes_elsewhere(self, manifest: Manifest) -> bool:
        return self._server_url is not None and manifest.server_url != self._server_url

    def _is_shipped_otherwise(self, manifest: Manifest) -> bool:
        """Not as its own daemon would: to another server, or with another key."""
        return self._goes_elsewhere(manifest) or (self._api_key is not None and manifest.api_key != self._api_key)

    def _adopt(self, folder: Path, shipper: Shipper) -> ProcessWatch | None:
        return ProcessWatch.adopt(folder, shipper, self._config, by_hand=True)

    def _take_over(self, folder: Path, shipper: Shipper) -> ProcessWatch | None:
        """Have a daemon let go of a process that has ended, and look after it from here; None if it does not."""
        deadline = time.monotonic() + _RELEASE_SECONDS
        try:
            while (watch := self._adopt(folder, shipper)) is None and time.monotonic() < deadline:
                ask_for_release(folder)
                time.sleep(_TURN_SECONDS)
        except OSError:  # it has just been shipped
            return None
        withdraw(folder)
        return watch

    def _turn(self, out_of_patience: bool) -> bool:
        """Look at all of them; True if there was progress."""
        moved = False
        for folder, watch in list(self._watches.items()):
            watch.look(time.monotonic())
            if watch.complete:
                watch.close()
                del self._watches[folder]
        for session in self.sessions:
            if session.settled or session.folder.parent in self._to_come:
                continue
            waiting = self._counts[session.folder].count()
            moved |= waiting != session.waiting
            session.waiting = waiting
            refusal = _refusal(session.folder)
            if refusal is not None:
                session.settled, session.why = True, f"refused by its server: {refusal}"
            elif not waiting and session.folder.parent not in self._watches:
                session.settled = True
            elif out_of_patience:
                session.settled = True
                session.why = _last_trouble(session) if waiting else None
            moved |= session.settled
        if out_of_patience and self._to_come:
            for watch in self._watches.values():
                watch.close()
            self._watches.clear()
        return moved


class _OtherwiseShipper(Shipper):
    """Ships everything to one server or with one key, where one is given, whatever the manifests say."""

    def __init__(self, config: Config, server_url: str | None, api_key: str | None) -> None:
        super().__init__(config)
        self._server_url = server_url
        self._api_key = api_key

    def add(self, folder: Path, manifest: Manifest, log: DaemonLog) -> Shipment:
        said = self._api_key
        of_here = os.environ.get("DATACAT_API_KEY")
        if said is None and self._server_url is not None:
            said = of_here
        url, api_key = self._server_url or manifest.server_url, said or manifest.api_key or of_here
        return super().add(folder, dataclasses.replace(manifest, server_url=url, api_key=api_key), log)


def _trouble_with(named: str, config: Config) -> str | None:
    """Why nothing can be shipped to a server; None if it answers."""
    url = server_address(named)
    if url is None:
        return f"{named!r} is not an address; ship it with `datacat sync --server-url`"
    status, answer = exchange("GET", f"{url}/health", None, None, _ANSWER_SECONDS)
    if certificate_trouble(answer) is not None:
        return f"{url}: {explained(answer)}" if config.verifies_tls else None
    if status is None:
        return f"{url} does not answer"
    if status == 200 and answer is None:
        return f"{url} is not a DataCat server; its port is usually 9090"
    return None


def _lacks(folder: Path) -> bool:
    """A daemon may lack what is here: it has the certificates and the key that its program was started with."""
    trouble = last_trouble(folder) or ""
    return CERTIFICATE in trouble or KEY_ADVICE in trouble


def _is_held(folder: Path) -> bool:
    lock = FileLock(folder / "daemon.lock")
    held = not lock.take()
    lock.release()
    return held


def _refusal(folder: Path) -> str | None:
    """Why a server will not have a session; None if it has not said so."""
    try:
        content: Any = json.loads((folder / REJECTED / REFUSED_SESSION).read_bytes())
        return str(content["details"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _last_trouble(session: Leftover) -> str:
    """What the daemon's log said last about a session that does not get on."""
    said = last_trouble(session.folder.parent, session.manifest.session_id)
    return said or "it did not get on; its daemon may be waiting before it tries again"
