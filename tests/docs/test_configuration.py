"""The page of all settings says what the program says: each setting with its default and range, and every variable."""

import json
import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import datacat_daemon.config as daemon
import msgspec
import pytest
from datacat_server.config import Config, ConfigError
from datacat_server.environment import OF_OTHERS

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs/reference/configuration.md").read_text(encoding="utf-8")
VARIABLE = re.compile(r"\bDATACAT_[A-Z_]*[A-Z]\b")


def settings_of(title: str) -> dict[str, tuple[str, str]]:
    """Of each setting in the table under a title: its default, and what it may be."""
    section = TEXT.split(f"\n## {title}\n")[1].split("\n## ")[0]
    rows = [[cell.strip().strip("`") for cell in line.strip("|").split("|")] for line in section.splitlines()]
    return {row[0]: (row[1], row[2]) for row in rows if len(row) == 4 and re.fullmatch(r"[a-z_]+", row[0])}


def with_setting(name: str, value: Any) -> None:
    """Raises ConfigError where the value will not do."""
    settings: dict[str, Any] = {name: value}
    Config(**settings).checked()


def test_every_setting_of_the_server_is_there_with_its_default_and_its_bounds() -> None:
    said = settings_of("Server")
    del said["setting"]
    defaults = {field.name: field.default for field in msgspec.structs.fields(Config)}
    assert {name: json.loads(default) for name, (default, _) in said.items()} == {**defaults, "webhooks": []}
    for name, (_, bounds) in said.items():
        if found := re.fullmatch(r"(\d+) to (\d+)", bounds):
            with_setting(name, int(found[1]))
            with_setting(name, int(found[2]))
            with pytest.raises(ConfigError, match=name):
                with_setting(name, int(found[2]) + 1)
        elif bounds == "above 0":
            with pytest.raises(ConfigError, match=name):
                with_setting(name, 0)


def test_every_setting_of_the_daemon_is_there_with_its_default_and_its_bounds() -> None:
    said = settings_of("Daemon")
    del said["setting"]
    assert {name: json.loads(default) for name, (default, _) in said.items()} == {
        field.name: field.default for field in fields(daemon.Config)
    }
    for name, (low, high) in daemon._RANGES.items():
        assert said[name][1] == f"{low:g} to {high if isinstance(high, int) else f'{high:g}'}"


def test_every_variable_that_the_sources_name_is_there_and_no_other() -> None:
    # Settings are named by a rule, which the page tells.
    by_rule = {f"DATACAT_{name.upper()}" for name in Config.__struct_fields__}
    by_rule |= {f"DATACAT_{field.name.upper()}" for field in fields(daemon.Config)}
    named = {f"DATACAT_{name}" for name in OF_OTHERS}
    for folder, ending in (("python/src", ".py"), ("server/src", ".py"), ("go", ".go")):
        for file in (ROOT / folder).rglob(f"*{ending}"):
            if not file.name.endswith("_test.go"):
                named |= set(VARIABLE.findall(file.read_text(encoding="utf-8")))
    # Of the completion of shells, which Typer makes, and of Grafana's own settings.
    named -= {"DATACAT_COMPLETE", "DATACAT_GRAFANA_KEY"}
    told = set(VARIABLE.findall(TEXT))
    assert named - by_rule - told == set()
    assert told - by_rule - named == set()
