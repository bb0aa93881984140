"""Where programs that log to DataCat run as a reader runs them: a real server, a spool, the daemons they start."""

import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from support import processes
from support.reading import get, wait_for
from support.servers import Server

RUN_SECONDS = 120  # far more than any example takes; only one that does not end runs for so long


class Stage:
    """A server, and programs whose records go there.

    Attributes:
        url: of the server.
        spool: of all programs.
    """

    def __init__(self, folder: Path) -> None:
        self.spool = folder / "spool"
        self._server = Server(folder / "data", DATACAT_HEARTBEAT_TIMEOUT_SECONDS="5")
        self.url = self._server.url

    def environment(self, **more: str) -> dict[str, str]:
        """That of the programs: without this process's settings, and with the environment's commands on the PATH."""
        own = {key: value for key, value in os.environ.items() if not key.startswith(("DATACAT_", "PYTEST_"))}
        path = os.pathsep.join([str(Path(sys.executable).parent), own.get("PATH", "")])
        return {**own, "PATH": path, "DATACAT_SPOOL": str(self.spool), "DATACAT_URL": self.url, **more}

    def run(
        self, *words: object, cwd: Path | None = None, seconds: float = RUN_SECONDS, **more: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a program to its end, with its output as text. One that runs for longer is killed, and fails the test."""
        command = [str(word) for word in words]
        pipes: dict[str, Any] = {"stdin": subprocess.DEVNULL, "capture_output": True, "text": True}
        own = self.environment(**more)
        try:
            return subprocess.run(command, cwd=cwd, env=own, check=False, timeout=seconds, **pipes)
        except subprocess.TimeoutExpired as error:  # its output is bytes, whatever was asked for
            said = b"".join(part for part in (error.stdout, error.stderr) if part).decode(errors="replace")
            pytest.fail(f"{shlex.join(command)} had not ended after {seconds} seconds. It said:\n{said}")

    def start(self, *words: object, cwd: Path | None = None, **more: str) -> subprocess.Popen[str]:
        """Start a program; its output can be read from the process."""
        pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        command = [str(word) for word in words]
        return subprocess.Popen(command, cwd=cwd, env=self.environment(**more), text=True, **pipes)

    def session(self, session_id: str, holds: Callable[[dict[str, Any]], bool] | str) -> dict[str, Any]:
        """A whole session as soon as it is as it should be, or has that status. Fails when it does not come to be."""
        wanted = (lambda session: session["status"] == holds) if isinstance(holds, str) else holds
        address = f"{self.url}/api/sessions/{session_id}"

        def found() -> dict[str, Any] | None:
            session = get(address)
            return session if session is not None and wanted(session) else None

        session: dict[str, Any] | None = wait_for(found)
        assert session is not None, get(address)
        return session

    def sessions_of(self, product: str, count: int) -> list[dict[str, Any]]:
        """Summaries of a product's sessions, the oldest first, as soon as there are so many."""
        path = f"{self.url}/api/sessions?limit=1000&sort=created&product={product.replace(' ', '%20')}"
        wait_for(lambda: len(get(path)["sessions"]) >= count)
        found: list[dict[str, Any]] = get(path)["sessions"]
        assert len(found) == count, found
        return found

    def stop(self) -> None:
        """Kill what still runs of the programs and of their daemons, and stop the server."""
        processes.kill_all("DATACAT_SPOOL", str(self.spool))
        self._server.stop()


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """One for all tests of a module."""
    ready = Stage(tmp_path_factory.mktemp("stage"))
    yield ready
    ready.stop()
