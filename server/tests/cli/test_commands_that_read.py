"""What holds of every command that reads: where it asks, what it says where that fails, and what shells complete."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from datacat_server.cli.groups import COMMANDS, GROUPS
from support.said import crash, event

Post = Callable[..., Any]
Run = Callable[..., tuple[int, str, str]]
Start = Callable[..., Any]

READING = (["ls"], ["show", "last"], ["tail", "--no-follow"])


def test_the_overview_groups_the_commands(start: Start) -> None:
    code, out, _ = start("datacat", COLUMNS="80").finish()
    assert code in (0, 2)  # of no arguments Typer makes either
    lines = out.splitlines()
    groups = [line.split()[1] for line in lines if line.startswith("╭─")]
    assert groups == ["Options", *GROUPS]
    shown = [line.split()[1] for line in lines if line.startswith("│ ") and line[2] not in " -"]
    for group, commands in GROUPS.items():
        assert set(commands) <= set(shown), group
    assert len(shown) == len(COMMANDS)
    assert "130 ended by Ctrl-C" in " ".join(out.split())
    assert all(len(line) <= 80 for line in lines)


def test_an_address_where_nobody_is_is_named_with_what_to_do(start: Start) -> None:
    for words in READING:
        code, out, err = start("datacat", *words, "--url", "http://127.0.0.1:9").finish()
        assert (code, out) == (1, "")
        assert err.startswith("error: no server answers at http://127.0.0.1:9 (")
        assert err.endswith("start one with `datacat up`, or name another with --url or $DATACAT_URL\n")
        code, _, err = start("datacat", *words, "--url", "no address").finish()
        assert (code, err.partition(",")[0]) == (
            1,
            "error: --url: expected an address such as http://localhost:9090",
        )


def test_a_server_that_asks_for_a_key_is_given_one(start: Start) -> None:
    key = "k" * 40
    server = start("datacat-server", "--port", "0", "--require-api-key", "--api-key", key)
    [address] = server.addresses()
    for words in READING[::2]:
        code, out, err = start("datacat", *words, DATACAT_URL=address).finish()
        assert (code, out) == (1, "")
        assert err.endswith("; say one with --api-key or $DATACAT_API_KEY\n")
        assert start("datacat", *words, "--api-key", key, DATACAT_URL=address).finish()[:2] == (0, "")
        assert start("datacat", *words, DATACAT_URL=address, DATACAT_API_KEY=key).finish()[:2] == (0, "")


def test_what_is_no_server_of_ours_is_said_to_be_none(start: Start) -> None:
    [web] = start("datacat-web", "--port", "0").addresses()
    code, out, err = start("datacat", "ls", "--url", web).finish()
    assert (code, out) == (1, "")
    assert "Traceback" not in err
    assert err.startswith("error: ")


def test_a_reader_that_has_seen_enough_ends_it_quietly(post: Post, address: str, tmp_path: Path) -> None:
    for number in range(40):
        post(f"s{number:02}", "1-0", 0, [event("x", message="m" * 4000)] * 10)
    words = [sys.executable, "-c", "from datacat_server.cli.main import main; main()"]
    for command in (["ls", "--all"], ["tail", "--no-follow", "--full", "-n", "400"]):
        process = subprocess.Popen(
            [*words, *command],
            env={**os.environ, "DATACAT_URL": address},
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == ""
        process.wait(60)
        process.stderr.close()


def test_a_list_waits_for_nothing_that_it_has_no_use_for(address: str, tmp_path: Path) -> None:
    code = """
import sys
sys.argv[1:] = ["ls"]
from datacat_server.cli.main import main
try:
    main()
finally:
    heavy = ("httpx", "litestar", "jinja2", "uvicorn", "sqlite3", "rich.live", "rich.progress", "asyncio")
    print(*[name for name in heavy if name in sys.modules])
"""
    words = [sys.executable, "-c", code]
    environment = {**os.environ, "DATACAT_URL": address}
    done = subprocess.run(words, env=environment, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == "\n"


def complete(start: Start, line: str, shell: str = "bash", **environment: str) -> list[str]:
    """What a shell is offered at the end of a line."""
    words = line.split(" ")
    asked = {
        "_DATACAT_COMPLETE": f"complete_{shell}",
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(words) - 1),
        "_TYPER_COMPLETE_ARGS": line,
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
    }
    code, out, err = start("datacat", **asked | environment).finish()
    assert (code, err) == (0, "")
    return [text.split("\t")[0] for text in out.splitlines() if text]


def test_shells_complete_commands_options_ids_and_products(post: Post, start: Start, address: str) -> None:
    post("9f02c1aa-1", "1-0", 0, [], product="MyGame", version="1.4.2", hostname="bluebird")
    post("1b00c1aa-2", "1-0", 0, [crash()], product="Tool")
    where = {"DATACAT_URL": address}
    for shell in ("bash", "fish"):
        assert complete(start, "datacat s", shell) == ["show", "sync"]
        assert complete(start, "datacat show 9f", shell, **where) == ["9f02c1aa-1"]
        assert complete(start, "datacat tail l", shell, **where) == ["last"]
        assert complete(start, "datacat ls --product My", shell, **where) == ["MyGame"]
    assert complete(start, "datacat ls --version 1.4", **where) == ["1.4.2"]
    assert complete(start, "datacat ls --machine b", **where) == ["bluebird"]
    assert complete(start, "datacat export --status cra") == ["crashed"]
    assert complete(start, "datacat tail --level w") == ["warning"]
    assert complete(start, "datacat tail --no-f") == ["--no-follow"]
    assert set(complete(start, f"datacat show --url {address} ")) == {"last", "9f02c1aa-1", "1b00c1aa-2"}
    assert complete(start, "datacat show 9f", DATACAT_URL="http://127.0.0.1:9") == []


def test_what_applications_are_called_is_never_evaluated_by_a_shell(post: Post, start: Start, address: str) -> None:
    for number, product in enumerate(("a$(touch owned)", "a`touch owned`", "a;b", "a b", "a*", "a'\"")):
        post(f"a{product}", "1-0", 0, [], product=product, time=1_795_298_400_000_000 + number)
    for shell in ("bash", "zsh", "fish"):
        assert "touch" not in "".join(complete(start, "datacat ls --product a", shell, DATACAT_URL=address))
        assert "touch" not in "".join(complete(start, "datacat show a", shell, DATACAT_URL=address))


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
def test_bash_completes_with_the_script(post: Post, address: str, datacat: Run, tmp_path: Path) -> None:
    post("9f02c1aa-1", "1-0", 0, [])
    code, script, err = datacat("completion", "bash")
    assert (code, err) == (0, "")
    command = tmp_path / "datacat"
    command.write_text(f"#!{sys.executable}\nfrom datacat_server.cli.main import main\nmain()\n")
    command.chmod(0o700)
    (tmp_path / "script").write_text(script)
    typed = (
        "source ./script; COMP_WORDS=(./datacat show 9f); COMP_CWORD=2; _datacat_completion ./datacat;"
        ' echo "${COMPREPLY[@]}"'
    )
    environment = {**os.environ, "DATACAT_URL": address}
    done = subprocess.run(
        ["bash", "-c", typed], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "9f02c1aa-1"


def test_each_shell_has_a_script(start: Start) -> None:
    for shell, part in (("bash", "complete "), ("zsh", "compdef"), ("fish", "complete --command datacat")):
        code, out, err = start("datacat", "completion", shell).finish()
        assert (code, err) == (0, "")
        assert part in out
    code, _, err = start("datacat", "completion", "tcsh").finish()
    assert code == 2
    assert "bash" in err


def test_every_command_that_prints_data_has_json(post: Post, datacat: Run) -> None:
    post("s1", "1-0", 0, [event("x")])
    for words in READING:
        code, out, err = datacat(*words, "--json")
        assert (code, err) == (0, "")
        assert all(isinstance(json.loads(line), dict) for line in out.splitlines())
