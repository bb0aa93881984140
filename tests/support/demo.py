"""The demo's swarm on a real server, one for all tests of a process: those that need it are of one xdist group."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

GROUP = "demo in a browser"

_COMMAND = [sys.executable, "-c", "from datacat_server.cli.main import main; main()", "demo"]


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """A demo that has settled and serves: its report, see `datacat demo --json`."""
    folder = tmp_path_factory.mktemp("demo")
    command = [*_COMMAND, "--json", "--port", "0", "--web-port", "0", "--data", str(folder)]
    own = {name: value for name, value in os.environ.items() if not name.startswith("DATACAT_")}
    with (folder / "said.txt").open("wb") as said:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=said, text=True, env=own
        )
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, (folder / "said.txt").read_text()
    yield json.loads(line)
    process.send_signal(signal.SIGINT)
    process.communicate()
