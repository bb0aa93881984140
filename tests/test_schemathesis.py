"""What `/schema` says of the API is so: Schemathesis tries every call of a real server, with right and wrong data."""

import json
import os
import re
import signal
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

SUPPORT = Path(__file__).parent / "support"
SETTINGS = SUPPORT / "schemathesis.toml"
SERVER = [sys.executable, "-c", "from datacat_server.cli.server import main; main()"]
KEY = "sesame"


def call(address: str, path: str, body: Any = None) -> Any:
    headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
    content = None if body is None else json.dumps(body).encode()
    with urlopen(Request(f"{address}/api/sessions{path}", content, headers)) as answer:
        return json.load(answer)


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """A server that asks for a key, with the sessions and the problem in it that the settings name."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DATACAT_")}
    with (tmp_path / "log.txt").open("wb") as log:
        process = subprocess.Popen(
            [*SERVER, "--port", "0", "--require-api-key"],
            cwd=tmp_path,
            env=environment | {"DATACAT_API_KEY": KEY},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
    assert process.stdout is not None
    address = next(word.rstrip(",") for word in process.stdout.readline().split() if word.startswith("http"))
    try:
        fill(address)
        yield address
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate()


def fill(address: str) -> None:
    """Make the sessions that the settings name, and their problem."""
    there = tomllib.loads(SETTINGS.read_text())["dictionaries"]
    for name in there["sessions"]["values"]:
        call(address, "", {"product": "Game", "version": "1.4.2", "id": name})
        call(address, f"/{name}/events", {"name": "e", "exception_type": "ValueError", "stacktrace": ["a"]})
        call(address, f"/{name}/metrics", {"name": "fps", "value": 59.8})
        call(address, f"/{name}/state", {"window_state": {"open": ["space probe"]}})
    found = call(address, "/s0/problems")["problems"]
    assert [problem["problem"]["id"] for problem in found] == there["problems"]["values"]


@pytest.mark.parametrize("phases", ["examples,coverage", "fuzzing,stateful"])
def test_schemathesis_finds_nothing(address: str, tmp_path: Path, phases: str) -> None:
    """No 500, no answer that is not described, nothing refused that should work and nothing taken that should not."""
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(SETTINGS), "run"]
    command += [f"{address}/schema/openapi.json", "--phases", phases, "--no-color"]
    command += ["--header", f"Authorization: Bearer {KEY}"]
    done = subprocess.run(
        command,
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(SUPPORT)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-10_000:] + done.stderr[-2_000:]
    selected = re.search(r"Selected: (\d+)/(\d+)", done.stdout)
    assert selected is not None and selected[1] == selected[2]
    assert "failed" not in (tmp_path / "log.txt").read_text()
