"""The session of a wrapped program: its place in the spool, its daemon, and what its parent has to say in it."""

from __future__ import annotations

import os
import time
import uuid
from collections import deque
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from datacat import launch, machine, spool
from datacat._compat import now_us
from datacat.client import DatacatClient, default_version
from datacat.control import ControlPage
from datacat.encode import encode
from datacat.recorder import Recorder
from datacat.segment import EVENT
from datacat.tame import short_text

from datacat_daemon.spool.manifest import FORMAT, Manifest
from datacat_daemon.watching.exit_status import read_status
from datacat_daemon.wrapping.lines import Lines
from datacat_daemon.wrapping.settings import Settings, product_of
from datacat_daemon.wrapping.telling import say
from datacat_daemon.wrapping.used import Used

TAIL_LINES = 50
_TAIL_CHARACTERS = 1_000


class WrappedSession:
    """The session of a program that does not run yet.

    Args:
        pid: of the program.
        path: its file.
        command: its words.
        settings: what `datacat run` was told.
        place: where its folder is to be; None for wherever the spool is, in a process folder by the pid.

    Attributes:
        folder: in the spool.
        trouble: why it has no daemon, None if it has one.

    Raises OSError where there is no spool to be had.
    """

    def __init__(
        self, pid: int, path: str, command: Sequence[str], settings: Settings, place: Path | None = None
    ) -> None:
        process = str(spool.new_process_folder(pid)) if place is None else str(place.parent)
        if place is not None:
            os.mkdir(process, 0o700)
        server = DatacatClient(settings.server_url)
        manifest = Manifest(
            session_id=str(uuid.uuid4()) if place is None else place.name,
            product=short_text(settings.product or product_of(command)),
            version=short_text(settings.version or default_version()),
            created_us=now_us(),
            server_url=server.base_url,
            api_key=server.api_key,
            pid=pid,
            process_start=machine.process_start(pid),
            pid_namespace=machine.pid_namespace(),
            boot_id=machine.boot_id(),
            machine_id=machine.machine_id(),
            hostname=machine.hostname(),
            wrapped=True,
            facts={
                "platform": machine.facts()["platform"],
                "executable": path,
                "argv": list(command)[:50],
                "cwd": machine.facts()["cwd"],
                "client": "datacat run",
            },
        )
        self.folder = Path(spool.session_folder(process, manifest.session_id))
        self._page = ControlPage(str(self.folder / "control"))
        spool.write_manifest(str(self.folder), {"format": FORMAT, **asdict(manifest)})
        own = f"control.{os.getpid()}-{machine.process_start(os.getpid()) or 0}"
        self._recorder = Recorder(str(self.folder), control=ControlPage(str(self.folder / own)))
        self._lines = {"stdout": Lines(), "stderr": Lines()}
        self._tail: deque[str] = deque(maxlen=TAIL_LINES)
        self._began = time.monotonic()
        self.trouble: str | None = launch.start_daemon(process, pid)

    def hear(self, stream: str, piece: bytes) -> None:
        """A piece of what the program prints: the lines that it completes are events."""
        self._log_lines(stream, self._lines[stream].feed(piece))

    def note_ended(self, status: int) -> None:
        """The program has ended with this status: the daemon is told before anybody else can be."""
        self._page.exit_status(status, now_us())

    def say_finished(self, status: int, used: Used) -> None:
        """The last word: how the program ended and what it has used."""
        for stream, lines in self._lines.items():
            self._log_lines(stream, lines.finish())
        data: dict[str, Any] = {
            **_ending(status),
            "duration_seconds": round(time.monotonic() - self._began, 3),
            "cpu_user_seconds": round(used.user_seconds, 3),
            "cpu_system_seconds": round(used.system_seconds, 3),
        }
        if used.peak_memory_bytes is not None:
            data["peak_memory_bytes"] = used.peak_memory_bytes
        if self._tail:
            data["output_tail"] = list(self._tail)
        self._log({"name": "program_finished", "level": "error" if status else "info", "data": data})

    def say_not_started(self, error: OSError) -> None:
        """The program could not be executed."""
        self._log({"name": "program_not_started", "level": "error", "message": error.strerror})

    def _log_lines(self, stream: str, lines: list[str]) -> None:
        for line in lines:
            self._tail.append(line[:_TAIL_CHARACTERS])
            self._log({"name": stream, "category": "output", "message": line})

    def _log(self, fields: dict[str, Any]) -> None:
        self._recorder.write(EVENT, 0, encode(fields))


def announce(
    pid: int, path: str, command: Sequence[str], settings: Settings, place: Path | None = None
) -> WrappedSession | None:
    """The session of a program, as `WrappedSession` makes it; None, after a word about it, where none can be made."""
    try:
        session = WrappedSession(pid, path, command, settings, place)
    except OSError as error:
        say(f"it runs without a session: {error}")
        return None
    if session.trouble is not None:
        say(session.trouble)
    return session


def _ending(status: int) -> dict[str, Any]:
    signal, code = read_status(status)
    return {"exit_code": code} if signal is None else {"signal": signal}
