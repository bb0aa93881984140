"""The settings that a command takes as options, and the configuration that comes of them.

Of Typer nothing is known here: it takes longer to import than a store takes to open, and a server that is started
again after it was killed is waited for. It reads and explains what is not plain (options.py).
"""

import os
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from datacat_server.cli.leaving import fail, warn
from datacat_server.config import Config, ConfigError, load_config
from datacat_server.environment import unknown_variables
from datacat_server.serving.memory import hurry

# The texts are short, so that a terminal of 80 columns shows every option's name whole.
OPTIONS: Mapping[str, tuple[type, str, str, str]] = {
    "data_path": (str, "--data-path", "Folder of the data.", "./datacat_data"),
    "host": (str, "--host", "Address to listen on.", "127.0.0.1"),
    "server_port": (int, "--server-port", "Port of the API; 0: any free one.", "9090"),
    "web_port": (int, "--web-port", "Port of the web UI; 0: any free one.", "8080"),
    "retention_days": (float, "--retention-days", "Days of silence, then a session is removed.", "365"),
    "cleanup_interval_hours": (float, "--cleanup-interval-hours", "Hours between removals.", "24"),
    "heartbeat_timeout_seconds": (
        float,
        "--heartbeat-timeout-seconds",
        "Seconds of silence, then a session is suspended.",
        "60",
    ),
    "api_key": (str, "--api-key", "Key of the API; safer in $DATACAT_API_KEY.", "none"),
    "require_api_key": (bool, "--require-api-key", "Answer only who has the key.", "no"),
    "tls_cert_file": (str, "--tls-cert-file", "Certificate for HTTPS, PEM.", "none"),
    "tls_key_file": (str, "--tls-key-file", "Its key, PEM.", "none"),
    "log_file": (str, "--log-file", "File of the log.", "standard error"),
    "web_url": (str, "--web-url", "Address of the web UI in links of webhooks.", "from host and port"),
}
"""Of each setting that is an option: its type, its flag, what `--help` says of it and of its default."""

_CONFIG_FLAG = "--config"
_PLAIN: Mapping[type, re.Pattern[str]] = {
    str: re.compile(r"[^-].*", re.DOTALL),
    Path: re.compile(r"[^-].*", re.DOTALL),
    int: re.compile(r"[0-9]{1,9}"),
    float: re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?"),
}


@dataclass(frozen=True)
class SettingsCommand:
    """A command that is a function of a configuration, with an option for every setting but those `without`.

    `name`: what is typed for it; `port`: the setting that `--port` means too.
    """

    function: Callable[[Config], None]
    name: str
    without: Collection[str]
    port: str | None

    def run(self, file: Path | None, flags: Mapping[str, Any]) -> None:
        """Run it as configured by a file and by flags: settings by name, None for unset."""
        hurry()
        self.function(configured(file, flags))

    def run_if_plain(self, arguments: Sequence[str]) -> bool:
        """Run it where the arguments are settings with plain values, each once; whether they were."""
        kinds: dict[str, tuple[str, type]] = {_CONFIG_FLAG: ("config", Path)}
        kinds |= {flag: (name, kind) for name, (kind, flag, _, _) in OPTIONS.items() if name not in self.without}
        if self.port is not None:
            kinds["--port"] = kinds[OPTIONS[self.port][1]]
        found: dict[str, Any] = {}
        left = iter(arguments)
        for argument in left:
            flag, is_joined, value = argument.partition("=")
            name, kind = kinds.get(flag, ("", str))
            if not name or name in found:
                return False
            if kind is bool:
                if is_joined:
                    return False
                found[name] = True
                continue
            value = value if is_joined else next(left, "")
            if not _PLAIN[kind].fullmatch(value):
                return False
            found[name] = kind(value)
        self.run(found.pop("config", None), found)
        return True


def takes_settings(
    name: str, *, without: Collection[str] = (), port: str | None = None
) -> Callable[[Callable[[Config], None]], SettingsCommand]:
    """Makes a function of a configuration into a command."""
    return lambda function: SettingsCommand(function, name, without, port)


def configured(file: Path | None, flags: Mapping[str, Any]) -> Config:
    """The configuration that holds for a command; one that will not do ends it. `flags`: settings, None for unset."""
    try:
        config = load_config(file, flags, os.environ)
    except ConfigError as error:
        fail(error)
    for variable in unknown_variables(os.environ, Config.__struct_fields__):
        warn(f"{variable}: unknown variable, which sets nothing")
    return config
