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
    assert "All 7 right, every record there" in done.stderr
    assert list((tmp_path / "demo" / "spool").glob("*-*/")) == []
    assert processes.with_environment("DEMO_MARK", str(tmp_path)) == []


def fails(environment, *options: str) -> str:
    """What a demo says that cannot even start."""
    command = [*DEMO, "--once", *options]
    done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    return done.stderr


def test_taken_ports_are_named_with_what_to_do_however_it_was_started(marked):
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
        port, web_port = one.getsockname()[1], other.getsockname()[1]
        said = fails(marked, "--port", str(port), "--web-port", str(web_port))
    assert f"port {port} and {web_port} on 127.0.0.1" in said
    assert f"datacat demo --port {port + 1} --web-port {web_port + 1}\n" in said
    assert f'make demo ARGS="--port {port + 1} --web-port {web_port + 1}"' in said
    assert "Data folder" not in said


def test_a_data_folder_that_cannot_be_used_is_named(tmp_path, marked):
    file = tmp_path / "file"
    file.touch()
    said = fails(marked, "--port", "0", "--web-port", "0", "--data", str(file))
    assert len(said.splitlines()) == 1
    assert f"the folder {file} (--data) cannot be used" in said
