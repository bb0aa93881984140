"""The configuration: file, then environment, then flags; what is wrong is named."""

import dataclasses
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import datacat
import datacat_daemon
import pytest
from datacat_daemon.config import Config as DaemonConfig
from datacat_server.cli.settings import configured
from datacat_server.config import Config, ConfigError, load_config
from datacat_server.environment import unknown_variables


@pytest.fixture
def write(tmp_path: Path) -> Callable[[Any], Path]:
    def write(content: Any) -> Path:
        path = tmp_path / "settings.json"
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    return write


def test_without_anything_the_defaults_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    config = load_config()
    assert config == Config()
    assert (config.server_port, config.web_port, config.host) == (9090, 8080, "127.0.0.1")


def test_the_later_wins(write: Callable[[Any], Path]) -> None:
    file = write({"server_port": 1, "web_port": 1, "host": "a", "retention_days": 1})
    environment = {"DATACAT_WEB_PORT": "2", "DATACAT_HOST": "b", "DATACAT_API_KEY": "", "DATACAT_URL": "http://x"}
    config = load_config(file, {"host": "c", "data_path": None}, environment)
    assert (config.server_port, config.web_port, config.host) == (1, 2, "c")
    assert (config.retention_days, config.api_key, config.data_path) == (1, None, "./datacat_data")


def test_a_config_json_beside_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("config.json").write_text('{"api_key": "k", "require_api_key": true}')
    assert load_config().require_api_key


def test_the_environment_speaks_in_words() -> None:
    environment = {"DATACAT_API_KEY": "k", "DATACAT_REQUIRE_API_KEY": "true", "DATACAT_RETENTION_DAYS": "0.5"}
    config = load_config(environment=environment)
    assert (config.api_key, config.require_api_key, config.retention_days) == ("k", True, 0.5)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ({"server_prot": 1}, "server_prot: unknown key; did you mean server_port?"),
        ({"zzz": 1}, "zzz: unknown key; known are data_path, "),
        ({"server_port": "9090"}, "server_port: expected a whole number, got a string"),
        ({"server_port": 70000}, "server_port: expected a port from 0 to 65535, got 70000"),
        ({"retention_days": 0}, "retention_days: expected a number above 0, got 0"),
        ({"data_path": ""}, "data_path: must not be empty"),
        ({"data_path": "a\0b"}, "data_path: must not have a NUL character in it"),
        ({"log_file": "\0"}, "log_file: must not have a NUL character in it"),
        ({"tls_cert_file": "a.pem"}, "tls_key_file: is missing"),
        ({"tls_key_file": "a.pem"}, "tls_cert_file: is missing"),
        ("[1]", "the file: expected an object, got an array"),
        ("{", "the file: input data was truncated"),
        ("\xff{", "the file: "),
    ],
)
def test_what_is_wrong_with_a_file_is_named(write: Callable[[Any], Path], content: Any, complaint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(write(content))
    assert complaint in str(caught.value)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    for path, complaint in [(tmp_path / "none.json", "there is no such file"), (tmp_path, "cannot be read")]:
        with pytest.raises(ConfigError, match=complaint):
            load_config(path)


def test_a_bad_variable_is_named() -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(environment={"DATACAT_WEB_PORT": "eighty"})
    assert str(caught.value).startswith("DATACAT_WEB_PORT: expected a whole number")


@pytest.mark.parametrize("key", ["two words", "sésame", "line\n"])
def test_a_key_that_no_header_can_carry_is_an_error(key: str) -> None:
    with pytest.raises(ConfigError, match="api_key: expected"):
        Config(api_key=key).checked()


HOOK = {"url": "https://example.org/hook"}


def test_webhooks_are_a_list_in_the_file_and_json_in_the_environment(write: Callable[[Any], Path]) -> None:
    said = [HOOK, {"url": "http://[::1]:81/x?y", "events": ["hang"], "secret": "s", "product": "Game"}]
    for config in (
        load_config(write({"webhooks": said})),
        load_config(environment={"DATACAT_WEBHOOKS": json.dumps(said)}),
    ):
        first, second = config.webhooks
        assert (first.events, first.secret, first.product) == (("crash", "hang", "problem"), None, None)
        assert (second.events, second.secret, second.product) == (("hang",), "s", "Game")
        assert (first.shown, second.shown) == ("https://example.org/…", "http://[::1]:81/…")


@pytest.mark.parametrize(
    ("said", "complaint"),
    [
        (HOOK, "webhooks: expected an array of objects, each with a url"),
        ([{}], "webhooks[0].url: is missing"),
        (["https://x"], "webhooks[0]: expected an object, got a string"),
        ([HOOK, {"url": 3}], "webhooks[1].url: expected a string, got a whole number"),
        ([HOOK | {"ur": "x"}], "webhooks[0].ur: unknown key; did you mean url?"),
        ([{"url": "example.org"}], "webhooks[0].url: expected an address such as https://"),
        ([{"url": "ftp://example.org"}], "webhooks[0].url: expected an address such as https://"),
        ([{"url": "http://[x"}], "webhooks[0].url: expected an address such as https://"),
        ([{"url": "http://x:99999/"}], "webhooks[0].url: expected an address such as https://"),
        ([{"url": "http://x/\n"}], "webhooks[0].url: expected an address such as https://"),
        ([HOOK | {"events": []}], "webhooks[0].events: expected some of crash, hang, problem"),
        ([HOOK | {"events": ["crsh"]}], "webhooks[0].events: 'crsh' is none of crash, hang, problem"),
        ([HOOK | {"secret": ""}], "webhooks[0].secret: must not be empty"),
        ([HOOK | {"product": ""}], "webhooks[0].product: must not be empty"),
        ([HOOK, HOOK], "webhooks[1].url: stands there already, for the same product"),
        ([HOOK] * 51, "webhooks: more than 50"),
    ],
)
def test_what_is_wrong_with_a_webhook_is_named(write: Callable[[Any], Path], said: Any, complaint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(write({"webhooks": said}))
    assert complaint in str(caught.value)


@pytest.mark.parametrize("said", ["[", "{}", "x"])
def test_webhooks_in_the_environment_that_are_no_list_name_the_variable(said: str) -> None:
    with pytest.raises(ConfigError, match=r"^DATACAT_WEBHOOKS: "):
        load_config(environment={"DATACAT_WEBHOOKS": said})


def test_the_address_of_the_web_ui_has_to_be_one() -> None:
    with pytest.raises(ConfigError, match="web_url: expected an address"):
        Config(web_url="datacat.example.org").checked()


def test_a_mistyped_variable_is_an_error_that_names_what_was_meant() -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(environment={"DATACAT_RETENTON_DAYS": "3"})
    assert str(caught.value) == "DATACAT_RETENTON_DAYS: unknown variable; did you mean DATACAT_RETENTION_DAYS?"


def test_the_variables_of_client_and_daemon_are_known_to_the_server() -> None:
    theirs = [f"DATACAT_{field.name.upper()}" for field in dataclasses.fields(DaemonConfig)]
    for package in (datacat, datacat_daemon):
        for file in Path(package.__path__[0]).rglob("*.py"):
            theirs += re.findall(r"[\"$](DATACAT_[A-Z_]+[A-Z])\b", file.read_text("utf-8"))
    assert "DATACAT_SPOOL" in theirs
    assert unknown_variables(dict.fromkeys(theirs, "1"), Config.__struct_fields__) == {}


def test_a_variable_that_nothing_reads_is_warned_of(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATACAT_COLOUR", "blue")
    assert configured(None, {}) == Config()
    assert capsys.readouterr().err == "warning: DATACAT_COLOUR: unknown variable, which sets nothing\n"


def test_a_variable_that_is_no_number_is_shown() -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(environment={"DATACAT_RETENTION_DAYS": "abc"})
    assert str(caught.value) == "DATACAT_RETENTION_DAYS: expected a number, got 'abc'"


def test_an_unknown_key_of_a_webhook_is_named_with_what_was_meant(write: Callable[[Any], Path]) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(write({"webhooks": [{"url": "http://x", "event": ["crash"]}]}))
    assert str(caught.value).endswith("webhooks[0].event: unknown key; did you mean events?")
