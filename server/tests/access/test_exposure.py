"""What a server says at its start of who can get in, as a process of its own."""

import json
import os
import pty
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.webhooks import wait_until

Start = Callable[..., Any]


def test_beyond_loopback_without_a_key_there_is_a_loud_warning(start: Start) -> None:
    server = start("datacat-server", "--port", "0", "--host", "0.0.0.0")
    assert server.addresses()
    _, _, log = server.finish(signal.SIGTERM)
    assert "WARNING" in log
    assert "Listening on 0.0.0.0 without asking for a key: whoever reaches this machine" in log
    assert "datacat keys add" in log


def test_the_warning_is_in_the_log_file_and_at_the_terminal(start: Start, tmp_path: Path) -> None:
    server = start("datacat-server", "--port", "0", "--host", "0.0.0.0", "--log-file", "server.log")
    assert server.addresses()
    _, _, terminal = server.finish(signal.SIGTERM)
    for text in (" ".join(terminal.split()), (tmp_path / "server.log").read_text()):
        assert "WARNING" in text
        assert "without asking for a key" in text


def test_at_a_terminal_it_is_said_once_and_in_colour(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    code = "from datacat_server.cli.server import main; main()"
    words = [sys.executable, "-c", code, "--port", "0", "--host", "0.0.0.0"]
    server = subprocess.Popen(words, cwd=tmp_path, stdin=theirs, stdout=subprocess.PIPE, stderr=theirs, text=True)
    os.close(theirs)
    assert server.stdout is not None
    server.stdout.readline()
    said = os.read(ours, 100_000).decode()
    server.terminate()
    server.communicate(timeout=60)
    os.close(ours)
    assert " ".join(said.split()).count("without asking for a key") == 1
    assert "\x1b[" in said


@pytest.mark.parametrize(
    "arguments",
    [[], ["--host", "127.0.0.1"], ["--host", "localhost"], ["--api-key", "k", "--require-api-key"]],
)
def test_what_is_as_it_should_be_is_not_warned_of(start: Start, arguments: list[str]) -> None:
    server = start("datacat-server", "--port", "0", *arguments)
    assert server.addresses()
    assert server.finish(signal.SIGTERM)[2] == ""


def test_keys_without_tls_are_warned_of(start: Start) -> None:
    server = start("datacat-server", "--port", "0", "--host", "0.0.0.0", "--api-key", "k", "--require-api-key")
    assert server.addresses()
    _, _, log = server.finish(signal.SIGTERM)
    assert "without TLS: keys and sessions cross the network as plain text" in log


def test_a_required_key_has_to_be_there(start: Start) -> None:
    code, _, err = start("datacat-server", "--port", "0", "--require-api-key").finish()
    assert code == 1
    assert err.startswith("error: api_key: is missing, and require_api_key is set; make one with `datacat keys add`")


def test_keys_that_nobody_asks_for_are_warned_of(start: Start) -> None:
    assert start("datacat", "keys", "add", "one", "--scope", "read").finish()[0] == 0
    server = start("datacat-server", "--port", "0")
    assert server.addresses()
    assert "require_api_key is not set: whoever has no key is let in, too" in server.finish(signal.SIGTERM)[2]


def test_who_may_is_the_same_for_the_api_and_the_pages_of_a_running_server(start: Start, tmp_path: Path) -> None:
    """Keys are made and revoked beside the running server, and hold soon."""
    token = start("datacat", "keys", "add", "one", "--scope", "read").finish()[1].strip()
    up = start("datacat", "up", "--server-port", "0", "--web-port", "0", "--require-api-key")
    web, api = up.addresses()

    def status(url: str, key: str) -> int:
        try:
            headers = {"Authorization": f"Bearer {key}", "Accept": "application/json"}
            with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=30) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            assert json.loads(error.read()).keys() == {"error", "details"}
            error.close()
            return error.code

    for url in (f"{web}/sessions.json", f"{api}/api/sessions"):
        assert status(url, token) == 200
        assert status(url, "wrong") == 401
        other = start("datacat", "keys", "add", url, "--scope", "read", "--json").finish()[1]
        assert status(url, json.loads(other)["key"]) == 200
    code, out, err = start("datacat", "keys", "revoke", "one").finish()
    assert (code, err) == (0, "")
    assert "Revoked the key 'one'" in out
    for url in (f"{web}/sessions.json", f"{api}/api/sessions"):
        wait_until(lambda url=url: status(url, token) == 401)
    assert (tmp_path / "datacat_data" / "web_secret").stat().st_mode & 0o777 == 0o600
    assert token not in up.finish(signal.SIGTERM)[2]
