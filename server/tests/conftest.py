"""What the server's tests share: real stores in their own folders, real applications, real server processes."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from datacat_server.access.tokens import digest, new_token
from datacat_server.api.app import create_api
from datacat_server.config import Config
from datacat_server.ingest.decode import decode_batches
from datacat_server.ingest.result import IngestResult
from datacat_server.store.keys import StoredKey
from datacat_server.store.sqlite import SqliteStore
from litestar.testing import TestClient
from support.preloaded import Forked

START = 1_795_298_400_000_000  # microseconds; 2026-11-21T22:00:00Z


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    store = SqliteStore(tmp_path / "data")
    yield store
    store.close()


@pytest.fixture
def api(store: SqliteStore) -> Iterator[TestClient]:
    with TestClient(create_api(store, Config()), raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def make_body() -> Callable[..., bytes]:
    """Makes the body of a batch: `make_body("s1", "1-0", first, records)`, each record a dict with its kind.

    Ordinals and times are given to records that have none, one after the other.
    """
    return _make_body


def _make_body(
    session: str = "s1",
    writer: str = "1-0",
    first: int = 0,
    records: list[dict[str, Any]] | None = None,
    *,
    lost: bool = False,
    **header: Any,
) -> bytes:
    records = records or []
    lines: list[dict[str, Any]] = [
        {"kind": "session", "id": session, "product": "Game", "version": "1.0", "time": START} | header,
        {"kind": "writer", "writer": writer, "first": first, "next": first + len(records)}
        | ({"lost": True} if lost else {}),
    ]
    for ordinal, record in enumerate(records, first):
        lines.append({"writer": writer, "ordinal": ordinal, "time": START + 1 + ordinal} | record)
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


@pytest.fixture
def send(store: SqliteStore, make_body: Callable[..., bytes]) -> Callable[..., IngestResult]:
    """Makes a body as `make_body` does, or takes one, and has the store apply it."""

    def send(*args: Any, body: bytes | None = None, **header: Any) -> IngestResult:
        batches, stray = decode_batches(make_body(*args, **header) if body is None else body)
        result = store.ingest(batches)
        result.refused.extend(stray)
        return result

    return send


@pytest.fixture
def make_key(store: SqliteStore) -> Callable[..., str]:
    """Makes a key in the store: `make_key("name", "read")`; its answer is the key."""

    def make(name: str, *scopes: str) -> str:
        key_id, token = new_token()
        key = StoredKey(id=key_id, name=name, scopes=scopes, digest=digest(token), created=datetime.now(UTC))
        store.add_key(key)
        return token

    return make


class Program:
    """A command of the server as a process of its own, ready when its line with the address has come."""

    def __init__(
        self, command: str, *arguments: str, cwd: Path, prelude: str = "", preloaded: bool, **environment: str
    ) -> None:
        module = {"datacat": "main", "datacat-server": "server", "datacat-web": "web"}[command]
        code = f"{prelude}\nfrom datacat_server.cli.{module} import main\nmain()"
        self.process: Forked | subprocess.Popen[str]
        if preloaded and not prelude:
            self.process = Forked(code, list(arguments), cwd, _environment() | environment)
            return
        self.process = subprocess.Popen(
            [sys.executable, "-c", code, *arguments],
            cwd=cwd,
            env=_environment() | environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def line(self) -> str:
        """The line that says that it is ready; empty when it ended instead."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def addresses(self) -> list[str]:
        return [word.rstrip(",") for word in self.line().split() if word.startswith("http")]

    def finish(self, signal_number: int | None = None) -> tuple[int, str, str]:
        """Exit code, what else it printed and what it complained of; with a signal to end it."""
        if signal_number is not None:
            self.process.send_signal(signal_number)
        out, err = self.process.communicate(timeout=60)
        return self.process.returncode, out, err


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("DATACAT_")}


@pytest.fixture
def preloaded() -> bool:
    """Whether commands are forked from a process that has loaded them; false in modules about starts and memory."""
    return True


@pytest.fixture
def start(tmp_path: Path, preloaded: bool) -> Iterator[Callable[..., Program]]:
    """Starts commands: `start("datacat-server", "--port", "0")`; those that still run at the end are killed."""
    programs: list[Program] = []

    def start(command: str, *arguments: str, **keywords: Any) -> Program:
        programs.append(Program(command, *arguments, cwd=tmp_path, preloaded=preloaded, **keywords))
        return programs[-1]

    yield start
    for program in programs:
        if program.process.poll() is None:
            program.finish(signal.SIGKILL)
        for stream in (program.process.stdout, program.process.stderr):
            if stream is not None:
                stream.close()


@pytest.fixture
def tmpfs(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """Makes a disk of its own, of a size such as "2m"."""
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("only root may mount a disk of its own")
    mounted = []

    def make(size: str) -> Path:
        place = tmp_path / f"disk{len(mounted)}"
        place.mkdir()
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "none", place], check=False)
        if done.returncode:
            pytest.skip("no disk can be mounted here")
        mounted.append(place)
        return place

    yield make
    for place in mounted:
        subprocess.run(["umount", "-l", place], check=True)
