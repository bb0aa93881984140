"""`datacat demo`: seven games, seven verdicts, every record, and nothing left behind."""

import json
import os
import socket
import subprocess
import sys

import pytest
from support import processes

DEMO = [sys.executable, "-c", "from datacat_server.cli.main import main; main()", "demo"]
VERDICTS = ["ended", "crashed", "crashed", "crashed", "hung, then recovered", "hung", "ended"]


@pytest.fixture
def marked(tmp_path):
    """An environment that shows which processes come from this test's demo."""
    return {**os.environ, "DEMO_MARK": str(tmp_path)}


def test_once_every_verdict_is_right_and_every_record_is_there(tmp_path, marked):
    command = [*DEMO, "--once", "--json", "--port", "0", "--web-port", "0", "--data", str(tmp_path / "demo")]
    done = subprocess.run(command, env=marked, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert [instance["status"] for instance in report["instances"]] == VERDICTS
    assert all(instance["records_arrived"] == instance["records_logged"] > 200 for instance in report["instances"])
    assert "DataCat says" in done.stderr  # the table is for people, also beside --json
    assert list((tmp_path / "demo" / "spool").glob("*-*/")) == []
    assert processes.with_environment("DEMO_MARK", str(tmp_path)) == []


def test_a_taken_port_is_named_with_what_to_do(marked):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        command = [*DEMO, "--once", "--port", str(port)]
        done = subprocess.run(command, env=marked, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert done.returncode == 1
    assert f"port {port}" in done.stdout
    assert "--port" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
