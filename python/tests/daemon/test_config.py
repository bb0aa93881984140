"""The daemon's settings: a file, the environment over it, and errors that name what is wrong."""

import dataclasses
import json

import pytest
from datacat_daemon.cli import main
from datacat_daemon.config import BadConfig, Config, load_config


def test_defaults_without_file_and_environment():
    assert load_config(None, {}) == Config()


def test_the_environment_is_over_the_file(tmp_path):
    path = tmp_path / "daemon.json"
    path.write_text(json.dumps({"server_url": "http://a:1", "tls_verify": False, "max_batch_size": 7}))
    config = load_config(None, {"DATACAT_CONFIG": str(path), "DATACAT_URL": "http://b:2", "DATACAT_TLS_VERIFY": "yes"})
    assert (config.server_url, config.tls_verify, config.max_batch_size) == ("http://b:2", True, 7)
    assert config.verifies_tls
    assert not load_config(None, {"DATACAT_TLS_INSECURE_SKIP_VERIFY": "true"}).verifies_tls


def test_the_file_that_is_named_comes_before_the_one_that_lies_there(tmp_path):
    for name, port in (("daemon_config.json", 1), ("variable.json", 2), ("option.json", 3)):
        (tmp_path / name).write_text(json.dumps({"daemon_port": port}))
    variables = {"DATACAT_CONFIG": str(tmp_path / "variable.json")}
    assert load_config(None, {}, tmp_path).daemon_port == 1
    assert load_config(None, variables, tmp_path).daemon_port == 2
    assert load_config(tmp_path / "option.json", variables, tmp_path).daemon_port == 3
    assert load_config(None, {}, tmp_path / "elsewhere") == Config()


def test_the_help_names_every_setting_with_its_default(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["--help"])
    assert caught.value.code == 0
    shown = capsys.readouterr().out
    for field in dataclasses.fields(Config):
        assert f"{field.name} ({json.dumps(field.default)})" in shown


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ('{"daemon_prot": 1}', "daemon_prot"),
        ('{"daemon_port": 70000}', "daemon_port"),
        ('{"daemon_port": 1.5}', "daemon_port"),
        ('{"batch_interval_seconds": "soon"}', "batch_interval_seconds"),
        ('{"batch_interval_seconds": NaN}', "batch_interval_seconds"),
        ('{"spool_max_mb": true}', "spool_max_mb"),
        ('{"enable_compression": "perhaps"}', "enable_compression"),
        ('{"server_url": "localhost"}', "server_url"),
        ('{"api_key": 5}', "api_key"),
        ("[]", "expected an object"),
        ("{", "is not JSON"),
        (None, "cannot be read"),
    ],
)
def test_a_bad_setting_is_named(tmp_path, content, named):
    path = tmp_path / "daemon.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(BadConfig) as caught:
        load_config(path, {})
    assert named in str(caught.value) and str(path) in str(caught.value)


def test_a_bad_variable_is_named():
    with pytest.raises(BadConfig, match=r"\$DATACAT_SPOOL_MAX_MB"):
        load_config(None, {"DATACAT_SPOOL_MAX_MB": "0"})
