"""Options are read in two ways, with Typer and without: what they come to is the same."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
from datacat_server.cli.options import run_command
from datacat_server.cli.settings import SettingsCommand, takes_settings
from datacat_server.config import Config


@pytest.fixture
def given() -> list[dict[str, Any]]:
    """The configurations that the command was run with."""
    return []


@pytest.fixture
def command(given: list[dict[str, Any]]) -> SettingsCommand:
    @takes_settings("try", without={"web_port"}, port="server_port")
    def attempt(config: Config) -> None:
        given.append(msgspec.structs.asdict(config))

    return attempt


PLAIN = [
    [],
    ["--port", "0"],
    ["--server-port=8123", "--host", "localhost", "--data-path", "a folder"],
    ["--require-api-key", "--api-key", "key=with=signs"],
    ["--retention-days", "0.5", "--heartbeat-timeout-seconds=7", "--log-file", "/tmp/x y"],
]


@pytest.mark.parametrize("arguments", PLAIN)
def test_plain_options_mean_the_same_without_typer(
    command: SettingsCommand, given: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    assert command.run_if_plain(arguments)
    monkeypatch.setattr(sys, "argv", ["try", *arguments])
    with pytest.raises(SystemExit) as left:
        run_command(command)
    assert not left.value.code
    assert given[0] == given[1]


def test_a_file_of_settings_is_named_either_way(
    command: SettingsCommand, given: list[dict[str, Any]], tmp_path: Path
) -> None:
    file = tmp_path / "settings.json"
    file.write_text('{"server_port": 7}')
    assert command.run_if_plain(["--config", str(file), "--host=localhost"])
    assert (given[0]["server_port"], given[0]["host"]) == (7, "localhost")


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["--version"],
        ["--port"],
        ["--port", "x"],
        ["--port", "-1"],
        ["--port", "1", "--server-port", "2"],
        ["--host", "--port"],
        ["--host="],
        ["--retention-days", "1e3"],
        ["--require-api-key=yes"],
        ["--web-port", "1"],
        ["word"],
    ],
)
def test_what_is_not_plain_is_left_to_typer(
    command: SettingsCommand, given: list[dict[str, Any]], arguments: list[str]
) -> None:
    assert not command.run_if_plain(arguments)
    assert not given


@pytest.mark.parametrize(
    ("program", "unwanted"),
    [
        ("from datacat_server.cli.server import main; main()", ["litestar", "uvicorn", "sqlite3", "httpx"]),
        ("from datacat_server.cli.main import main; main()", ["litestar", "uvicorn", "datacat_server.demo"]),
    ],
)
def test_help_does_not_import_what_serving_takes(program: str, unwanted: list[str]) -> None:
    code = f"import atexit, sys; atexit.register(lambda: print('HAS', *sys.modules)); {program}"
    done = subprocess.run(
        [sys.executable, "-c", code, "--help"], capture_output=True, text=True, check=True, timeout=60
    )
    modules = done.stdout.rpartition("HAS ")[2].split()
    assert not set(unwanted) & set(modules)


def test_a_server_starts_without_what_it_does_not_use(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "import datacat_server.cli.starting as starting\n"
        "def serve(services, config, on_ready, chores):\n"
        "    services[0].create(config)\n"
        "    print('HAS', *sys.modules)\n"
        "starting.serve = serve\n"
        "from datacat_server.cli.server import main\n"
        "main()"
    )
    arguments = [sys.executable, "-c", code, "--port", "0", "--data-path", str(tmp_path / "data")]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DATACAT_")}
    done = subprocess.run(
        arguments, capture_output=True, text=True, check=True, timeout=60, cwd=tmp_path, env=environment
    )
    modules = set(done.stdout.rpartition("HAS ")[2].split())
    assert "datacat_server.api.app" in modules
    assert not {"typer", "pydantic", "rich", "httpx", "jinja2", "pyarrow", "datacat_server.web.app"} & modules
