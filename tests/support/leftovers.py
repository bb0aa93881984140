"""No test leaves a process behind: the run fails when one that it has started outlives it."""

import os
import signal
import time
import uuid

import pytest

from support import processes

MARK = "TEST_RUN_MARK"  # not DATACAT_…: tests take those out of the environment of the programs they start
GRACE_SECONDS = 10  # a daemon may still be delivering what its program has logged


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        os.environ[MARK] = uuid.uuid4().hex


def leftovers() -> dict[int, str]:
    """Processes of this run that have outlived it, with their command lines."""
    found = processes.with_environment(MARK, os.environ[MARK])
    return {pid: processes.command(pid) for pid in found if pid != os.getpid()}


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    if hasattr(session.config, "workerinput"):
        return
    deadline = time.monotonic() + GRACE_SECONDS
    while (left := leftovers()) and time.monotonic() < deadline:
        time.sleep(0.1)
    if not left:
        return
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    session.config.stash[LEFT] = list(left.values())
    if session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


LEFT = pytest.StashKey[list[str]]()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for line in config.stash.get(LEFT, []):
        terminalreporter.write_line(f"ERROR: a test left this process behind: {line}", red=True, bold=True)
