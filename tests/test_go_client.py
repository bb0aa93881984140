"""The Go client: its own tests, against a real server and real daemons, and programs of it that go wrong."""

import json
import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from go_toolchain import race_detector
from support import processes
from support.golang import go
from support.servers import Server

# One after the other: they share what they compile.
pytestmark = pytest.mark.xdist_group("go")

FLOOR = 85.0
PATIENCE = 60
DAEMON = f"{sys.executable} -m datacat_daemon"


def environment(server: Server, spool: Path) -> dict[str, str]:
    return {"DATACAT_URL": server.url, "DATACAT_DAEMON": DAEMON, "DATACAT_SPOOL": str(spool)}


def test_the_go_tests_pass_and_cover_the_package(server: Server, tmp_path: Path) -> None:
    profile = tmp_path / "cover.out"
    words = ["-vet=all", "-count=1", f"-coverprofile={profile}", *race_detector()]
    done = go("test", *words, ".", **environment(server, tmp_path / "spool"))
    assert done.returncode == 0, done.stdout
    covered = re.search(r"coverage: ([\d.]+)% of statements", done.stdout)
    assert covered is not None and float(covered[1]) >= FLOOR, done.stdout
    if not race_detector():
        pytest.skip("they pass, but the race detector needs a C compiler, and there is none")


class Vault:
    """The program go/internal/vault.

    Args:
        program: the built program.
        server: where its sessions are read.
        spool: its own.
    """

    def __init__(self, program: Path, server: Server, spool: Path) -> None:
        self._program = program
        self._server = server
        self._spool = spool
        self._process: subprocess.Popen[str] | None = None

    def start(self, how: str, deed: str) -> str:
        """Start it; the id of its session."""
        own = {key: value for key, value in os.environ.items() if not key.startswith("DATACAT_")}
        self._process = subprocess.Popen(
            [self._program, how, deed],
            env={**own, **environment(self._server, self._spool)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        session = self._process.stdout.readline().strip()
        assert session, self._process.communicate()[1]
        return session

    @property
    def process(self) -> subprocess.Popen[str]:
        assert self._process is not None
        return self._process

    def finish(self) -> str:
        """Tell it to come to an end, and wait; what it printed on stderr."""
        return self.process.communicate("\n")[1]

    def session(self, session: str, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The session as the server has it, when it is as it should be."""
        deadline = time.monotonic() + PATIENCE
        while True:
            found = self._read(session)
            if found is not None and holds(found):
                return found
            assert time.monotonic() < deadline, found
            time.sleep(0.05)

    def ask(self, path: str) -> Any:
        """The server's answer."""
        with urllib.request.urlopen(self._server.url + path) as answer:
            return json.load(answer)

    def _read(self, session: str) -> dict[str, Any] | None:
        try:
            found: dict[str, Any] = self.ask(f"/api/sessions/{session}")
            return found
        except urllib.error.HTTPError as error:
            if error.code != 404:  # its daemon has not delivered it yet
                raise
            return None

    def stop(self) -> None:
        """Kill what still runs of it and of its daemons."""
        processes.kill_all("DATACAT_SPOOL", str(self._spool))
        if self._process is not None:
            self._process.communicate()


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    built = tmp_path_factory.mktemp("go") / "vault"
    done = go("build", *race_detector(), "-o", str(built), "./internal/vault")
    assert done.returncode == 0, done.stdout
    return built


@pytest.fixture
def quick_server(tmp_path: Path) -> Iterator[Server]:
    """One that takes two seconds of silence for a suspended session."""
    running = Server(tmp_path / "data", DATACAT_HEARTBEAT_TIMEOUT_SECONDS="2")
    yield running
    running.stop()


@pytest.fixture
def vault(program: Path, quick_server: Server, tmp_path: Path) -> Iterator[Vault]:
    started = Vault(program, quick_server, tmp_path / "spool")
    yield started
    started.stop()


def has_status(status: str) -> Callable[[dict[str, Any]], bool]:
    return lambda session: session["status"] == status


def exceptions(session: dict[str, Any]) -> list[dict[str, Any]]:
    return [event for event in session["events"] if "exception_type" in event]


@pytest.mark.parametrize("how", ["daemon", "direct"])
def test_a_go_program_that_ends_has_ended(vault: Vault, how: str) -> None:
    session = vault.start(how, "ends")
    assert vault.finish() == ""
    found = vault.session(session, has_status("ended"))
    assert found["state"] == {"product": "Vault", "version": "3", "door": "closed"}
    assert not exceptions(found)


@pytest.mark.parametrize("how", ["daemon", "direct"])
def test_a_go_program_that_panics_has_crashed_and_its_panic_is_told_once(vault: Vault, how: str) -> None:
    session = vault.start(how, "panics")
    printed = vault.finish()
    assert vault.process.returncode == 2
    assert "panic: assignment to entry in nil map" in printed
    found = vault.session(session, has_status("crashed"))
    (told,) = exceptions(found)
    assert told["source_function"] == "main.openDoor"
    assert told["exception_msg"] == "assignment to entry in nil map"
    assert told["stacktrace"][1] == "main.openDoor(...)"
    assert "panic: assignment to entry in nil map" in found["reason"]
    problems = vault.ask(f"/api/sessions/{session}/problems")["problems"]
    assert [found["problem"]["kind"] for found in problems] == ["crash"]


def test_a_panic_of_another_goroutine_is_told_where_it_is_reported(vault: Vault) -> None:
    session = vault.start("daemon", "panics-beside")
    vault.finish()
    found = vault.session(session, has_status("crashed"))
    assert [told["source_function"] for told in exceptions(found)] == ["main.openDoor"]


def test_a_go_program_that_is_killed_has_crashed_and_nothing_is_lost(vault: Vault) -> None:
    session = vault.start("daemon", "waits")
    vault.process.kill()
    found = vault.session(session, has_status("crashed"))
    assert "SIGKILL" in found["reason"]
    assert found["events"][0]["name"] == "begun"


def test_without_a_daemon_a_go_program_that_is_killed_falls_silent(vault: Vault) -> None:
    session = vault.start("direct", "waits")
    vault.process.kill()
    found = vault.session(session, has_status("suspended"))
    assert [event["name"] for event in found["events"]] == ["begun"]


@pytest.mark.parametrize("how", ["daemon", "direct"])
def test_a_go_program_that_hangs_is_told_so_and_may_recover(vault: Vault, how: str) -> None:
    session = vault.start(how, "hangs")
    vault.session(session, has_status("hung"))
    vault.finish()
    found = vault.session(session, has_status("ended"))
    names = [event["name"] for event in found["events"]]
    assert "application_appears_hung" in names
    assert "application_recovered" in names


def test_a_go_program_that_exits_with_a_code_has_crashed(vault: Vault) -> None:
    session = vault.start("daemon", "exits")
    vault.finish()
    assert "exit code 3" in vault.session(session, has_status("crashed"))["reason"]
