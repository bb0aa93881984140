"""A real server, and real programs that report to it, over folders that are gone afterwards."""

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

GIVE_UP_SECONDS = 30


@dataclass(frozen=True)
class Running:
    """A server that runs: its address, the folder that everything lies in, and its process."""

    url: str
    folder: Path
    process_id: int

    def cpu_seconds(self) -> float:
        """What the server has computed since it was started."""
        times = psutil.Process(self.process_id).cpu_times()
        return float(times.user + times.system)

    def resident_bytes(self) -> int:
        """The server's resident memory now."""
        return int(psutil.Process(self.process_id).memory_info().rss)

    def bytes_on_disk(self) -> int:
        """The size of the database, with what is in its log taken into it."""
        file = self.folder / "data" / "datacat.sqlite3"
        with contextlib.closing(sqlite3.connect(file, timeout=GIVE_UP_SECONDS)) as db:
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return file.stat().st_size

    def environment(self) -> dict[str, str]:
        """For programs that shall report to it."""
        return {**os.environ, "DATACAT_URL": self.url, "DATACAT_SPOOL": str(self.folder / "spool")}

    def start(self, code: str) -> "subprocess.Popen[str]":
        """Start a Python program; what it prints can be read."""
        arguments = [sys.executable, "-c", code]
        return subprocess.Popen(arguments, env=self.environment(), stdout=subprocess.PIPE, text=True)

    def session(self, session_id: str, *, whole: bool = False) -> dict[str, Any]:
        """A session as the server has it; empty while it does not know it."""
        try:
            url = f"{self.url}/api/sessions/{session_id}" + ("" if whole else "?include=vitals")
            with urllib.request.urlopen(url, timeout=GIVE_UP_SECONDS) as answer:
                return dict(json.load(answer))
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return {}
            raise

    def wait_for_status(self, session_id: str, status: str | None = None) -> None:
        """Return when the server knows the session, with this status if one is given. Raises TimeoutError."""
        deadline = time.monotonic() + GIVE_UP_SECONDS
        while time.monotonic() < deadline:
            session = self.session(session_id)
            if session and status in (None, session["status"]):
                return
            time.sleep(0.002)
        raise TimeoutError(f"session {session_id} has not become {status} within {GIVE_UP_SECONDS} s")


@contextlib.contextmanager
def server() -> Iterator[Running]:
    """A server on a free port, with an empty store; its daemons are done when it stops."""
    with tempfile.TemporaryDirectory(prefix="datacat-bench-") as name:
        folder = Path(name)
        with _command("datacat-server", "--port", "0", "--data-path", str(folder / "data")) as (process, urls):
            yield Running(urls[0], folder, process)
            deadline = time.monotonic() + GIVE_UP_SECONDS
            while list(folder.glob("spool/*-*/")) and time.monotonic() < deadline:
                time.sleep(0.05)


@contextlib.contextmanager
def up(data: Path) -> Iterator[tuple[Running, str]]:
    """Server and web UI in one process, over a data folder; the server, and the address of the web UI."""
    ports = ["--server-port", "0", "--web-port", "0"]
    with _command("datacat", "up", *ports, "--data-path", str(data)) as (process, urls):
        yield Running(urls[1], data.parent, process), urls[0]


@contextlib.contextmanager
def _command(name: str, *arguments: str) -> Iterator[tuple[int, list[str]]]:
    """A command's process and the addresses that it says, until SIGTERM."""
    command = [str(Path(sys.executable).with_name(name)), *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        said = next((line for line in process.stdout if "http://" in line), None)
        if said is None:
            raise RuntimeError(f"{name} ended, with {process.wait()}, before it listened")
        yield process.pid, [word.strip(",") for word in said.split() if word.startswith("http://")]
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate()
