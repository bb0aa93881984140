"""The settings as options of a command: each has the setting's name, and counts for more than file and environment."""

import inspect
import os
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from datacat_server import __version__
from datacat_server.config import Config, ConfigError, load_config


def _show_version(value: bool) -> None:
    if value:
        typer.echo(f"datacat-server {__version__}")
        raise typer.Exit


VersionOption = Annotated[
    bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and leave.")
]
_ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", help="File with the settings, as JSON. Default: ./config.json if there is one."),
]

_OPTIONS: dict[str, tuple[type, list[str], str, str]] = {
    "data_path": (str, ["--data-path"], "Folder that holds the data.", "./datacat_data"),
    "host": (str, ["--host"], "Address to listen on.", "127.0.0.1"),
    "server_port": (int, ["--server-port", "--port"], "Port of the API; 0 for any free one.", "9090"),
    "web_port": (int, ["--web-port"], "Port of the web UI; 0 for any free one.", "8080"),
    "retention_days": (float, ["--retention-days"], "Remove sessions that were silent for so long.", "365"),
    "cleanup_interval_hours": (float, ["--cleanup-interval-hours"], "How often to look for them.", "24"),
    "heartbeat_timeout_seconds": (float, ["--heartbeat-timeout-seconds"], "Silence that is too long.", "60"),
    "api_key": (str, ["--api-key"], "Key of the API; better in $DATACAT_API_KEY, where others cannot see it.", "none"),
    "require_api_key": (bool, ["--require-api-key/--no-require-api-key"], "Answer only who has the key.", "no"),
    "tls_cert_file": (str, ["--tls-cert-file"], "Certificate for HTTPS, as PEM.", "none"),
    "tls_key_file": (str, ["--tls-key-file"], "Its key, as PEM.", "none"),
    "log_file": (str, ["--log-file"], "File to write the log to.", "standard error"),
}


def takes_settings(*without: str) -> Callable[[Callable[[Config], None]], Callable[..., None]]:
    """Makes a function of a configuration into a command with an option for every setting but those named."""

    def decorate(function: Callable[[Config], None]) -> Callable[..., None]:
        def command(config_file: Path | None = None, version: bool = False, **flags: Any) -> None:
            function(_configured(config_file, flags))

        hints: dict[str, Any] = {"config_file": _ConfigOption}
        for name, (kind, flags, text, default) in _OPTIONS.items():
            if name not in without:
                hints[name] = Annotated[kind | None, typer.Option(*flags, help=f"{text} Default: {default}.")]
        # Typer reads a command's options from its signature.
        keyword = inspect.Parameter.KEYWORD_ONLY
        parameters = [inspect.Parameter(name, keyword, default=None, annotation=hint) for name, hint in hints.items()]
        parameters.append(inspect.Parameter("version", keyword, default=False, annotation=VersionOption))
        command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        command.__annotations__ = hints | {"version": VersionOption}
        command.__name__, command.__doc__ = function.__name__, function.__doc__
        return command

    return decorate


def fail(message: object) -> NoReturn:
    """Say what is wrong and leave with exit code 1."""
    typer.echo(f"error: {message}", err=True)
    raise typer.Exit(1)


def _configured(file: Path | None, flags: dict[str, Any]) -> Config:
    try:
        return load_config(file, flags, os.environ)
    except ConfigError as error:
        fail(error)
