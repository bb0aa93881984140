"""What `/schema` says of the API is so: Schemathesis tries every call of a real server, with right and wrong data."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

SUPPORT = Path(__file__).parent / "support"
SERVER = [sys.executable, "-c", "from datacat_server.cli.server import main; main()"]
KEY = "sesame"


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """A server that asks for a key, with a session and a problem in it."""
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
    for path, body in (
        ("", {"product": "Game", "version": "1.4.2", "id": "s1"}),
        ("/s1/events", {"name": "e", "exception_type": "ValueError", "exception_msg": "x", "stacktrace": ["a"]}),
        ("/s1/metrics", {"name": "fps", "value": 59.8}),
        ("/s1/state", {"window_state": {"open": ["space probe"]}}),
    ):
        headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
        urlopen(Request(f"{address}/api/sessions{path}", json.dumps(body).encode(), headers)).close()
    yield address
    process.send_signal(signal.SIGINT)
    process.communicate()


@pytest.mark.parametrize("phases", ["examples,coverage", "fuzzing,stateful"])
def test_schemathesis_finds_nothing(address: str, tmp_path: Path, phases: str) -> None:
    """No 500, no answer that is not described, nothing refused that should work and nothing taken that should not."""
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(SUPPORT / "schemathesis.toml"), "run"]
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
