"""`datacat keys` as a process of its own: what it prints, where, and with which exit code."""

import json
import re
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Start = Callable[..., Any]


def keys(start: Start, *arguments: str, **environment: str) -> tuple[int, str, str]:
    code, out, err = start("datacat", "keys", *arguments, **environment).finish()
    return code, out, err


def test_a_key_is_made_before_any_server_has_run_and_shown_alone(start: Start, tmp_path: Path) -> None:
    code, out, err = keys(start, "add", "build machines", "--scope", "ingest")
    assert code == 0
    assert re.fullmatch(r"dc_[0-9a-f]{12}_[0-9a-f]{64}\n", out), "nothing else, so that a script can take it"
    assert "'build machines' for ingest" in err
    assert "cannot be shown again" in err
    assert "\nPrograms and their daemons take it from $DATACAT_API_KEY.\n" in err
    assert "" not in err.splitlines(), "nothing empty where a script takes the key"
    assert "require_api_key" in err
    assert (tmp_path / "datacat_data").stat().st_mode & 0o777 == 0o700


def test_what_a_key_is_for_is_said_by_its_scope(start: Start) -> None:
    assert "Programs" not in keys(start, "add", "one", "--scope", "read")[2]
    said = keys(start, "add", "two", "--scope", "read", "--scope", "ingest")[2]
    assert "Programs and their daemons take it from" in said
    assert "signs a browser in" in said


def test_it_is_listed_without_its_secret(start: Start) -> None:
    token = keys(start, "add", "one", "--scope", "read", "--scope", "ingest")[1].strip()
    code, out, _ = keys(start, "ls")
    assert code == 0
    assert out.splitlines()[0].split() == ["name", "scopes", "key", "made", "last", "used"]
    assert re.search(rf"^one +ingest, read +{token[:15]}_… +\S.* +never", out, re.MULTILINE)
    assert token[16:] not in out


def test_everything_can_be_had_as_json(start: Start) -> None:
    made = json.loads(keys(start, "add", "one", "--scope", "admin", "--json")[1])
    assert made["key"].startswith(f"dc_{made['id']}_")
    facts = {name: value for name, value in made.items() if name != "key"}
    assert facts.keys() == {"id", "name", "scopes", "created", "last_used", "revoked"}
    assert json.loads(keys(start, "ls", "--json")[1]) == [facts]
    revoked = json.loads(keys(start, "revoke", "one", "--json")[1])
    assert revoked["revoked"] > revoked["created"]
    assert json.loads(keys(start, "ls", "--json")[1]) == []
    assert json.loads(keys(start, "ls", "--all", "--json")[1]) == [revoked]


def test_a_key_can_be_revoked_by_its_id_and_its_name_used_again(start: Start) -> None:
    made = json.loads(keys(start, "add", "one", "--scope", "read", "--json")[1])
    code, _, err = keys(start, "add", "one", "--scope", "read")
    assert code == 1
    assert err.startswith("error: there is a key 'one' already; revoke it first")
    assert keys(start, "revoke", made["id"])[:2] == (
        0,
        "Revoked the key 'one'. Servers refuse it within two seconds.\n",
    )
    assert keys(start, "add", "one", "--scope", "read")[0] == 0
    code, out, _ = keys(start, "ls", "--all")
    assert out.count("one") == 2


@pytest.mark.parametrize(
    ("arguments", "code", "complaint"),
    [
        (["add", "one"], 2, "missing option '--scope'"),
        (["add", "one", "--scope", "root"], 1, "error: --scope: expected ingest, read, admin, not 'root'"),
        (["add", "", "--scope", "read"], 1, "error: NAME: expected"),
        (["add", "a\x1b[31mb", "--scope", "read"], 1, "error: NAME: expected"),
        (["add", "x" * 101, "--scope", "read"], 1, "error: NAME: expected"),
        (["add", "one", "--scope", "read", "--data-path", "/dev/null/data"], 1, "error: data_path: "),
        (["ls", "--data-path", "none"], 1, "error: there is no database in "),
        (["ls", "--config", "none.json"], 1, "error: none.json: there is no such file"),
        (["revoke", "one", "--data-path", "none"], 1, "error: there is no database in "),
    ],
)
def test_what_will_not_do_is_named(start: Start, arguments: list[str], code: int, complaint: str) -> None:
    found, out, err = keys(start, *arguments)
    assert (found, out) == (code, "")
    assert complaint in err
    assert "Traceback" not in err


def test_revoking_what_is_not_there_names_what_is(start: Start) -> None:
    keys(start, "add", "one", "--scope", "read")
    assert keys(start, "revoke", "two")[::2] == (1, "error: there is no key 'two'; there is 'one'\n")
    keys(start, "revoke", "one")
    assert keys(start, "revoke", "one")[::2] == (1, "error: there is no key 'one'; there is none at all\n")


def test_the_data_folder_is_found_as_the_server_finds_it(start: Start, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"data_path": "elsewhere", "require_api_key": true, "api_key": "k"}')
    code, _, err = keys(start, "add", "one", "--scope", "read")
    assert code == 0
    assert (tmp_path / "elsewhere" / "datacat.sqlite3").exists()
    assert "require_api_key" not in err, "it is set"
    assert "api_key of the configuration" in keys(start, "ls")[2]


@pytest.mark.parametrize("arguments", [["ls"], ["revoke", "one"]])
def test_who_looks_for_keys_in_another_folder_leaves_nothing_there(
    start: Start, tmp_path: Path, arguments: list[str]
) -> None:
    (tmp_path / "another").mkdir()
    code, out, err = keys(start, *arguments, "--data-path", "another")
    assert (code, out) == (1, "")
    assert "say where it is with --data-path" in err
    assert list((tmp_path / "another").iterdir()) == []


def test_a_mistyped_variable_is_said_as_by_every_command(start: Start) -> None:
    _, _, err = keys(start, "add", "one", "--scope", "read", DATACAT_DATA_PAHT="elsewhere")
    assert "DATACAT_DATA_PAHT: unknown variable" in err


def test_an_empty_list_says_how_to_make_one(start: Start) -> None:
    server = start("datacat-server", "--port", "0")
    assert server.addresses()
    code, out, _ = keys(start, "ls")
    assert (code, out) == (0, "No keys yet. Make one with: datacat keys add NAME --scope ingest\n")
    server.finish(signal.SIGTERM)


@pytest.mark.parametrize("command", [["keys"], ["keys", "add"], ["keys", "ls"], ["keys", "revoke"]])
def test_help_fits_80_columns(start: Start, command: list[str]) -> None:
    code, out, _ = start("datacat", *command, "--help", COLUMNS="80").finish()
    assert code == 0
    assert "…" not in out
    assert max(map(len, out.splitlines())) <= 80
