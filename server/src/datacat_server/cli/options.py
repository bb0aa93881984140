"""The settings as options of a command: each has the setting's name, and counts for more than file and environment."""

import inspect
import os
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from datacat_server import __version__
from datacat_server.config import Config, ConfigError, load_config
from datacat_server.environment import unknown_variables


def version_option(command: str) -> Any:
    """The option `--version` of a command, which says the command's name first."""

    def show(value: bool) -> None:
        if value:
            typer.echo(f"{command} {__version__}")
            raise typer.Exit

    return typer.Option(False, "--version", callback=show, is_eager=True, help="Show the version and leave.")


ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", help="File of settings, JSON. Default: ./config.json, if any.", metavar="FILE"),
]
DataPathOption = Annotated[
    str | None,
    typer.Option("--data-path", help="Folder of the data. Default: ./datacat_data.", metavar="TEXT"),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]

# The texts are short, so that a terminal of 80 columns shows every option's name whole.
_OPTIONS: dict[str, tuple[type, str, str, str]] = {
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
_METAVARS = {str: "TEXT", int: "INT", float: "NUM"}
CONTEXT = {"help_option_names": ["-h", "--help"]}


def takes_settings(
    command_name: str, *, without: Collection[str] = (), port: str | None = None
) -> Callable[[Callable[[Config], None]], Callable[..., None]]:
    """Makes a function of a configuration into a command with an option for every setting but those named.

    `port` is the setting that `--port` means too.
    """

    def decorate(function: Callable[[Config], None]) -> Callable[..., None]:
        def command(config_file: Path | None = None, version: bool = False, **flags: Any) -> None:
            function(configured(config_file, flags))

        hints: dict[str, Any] = {"config_file": ConfigOption}
        for name, (kind, flag, text, default) in _OPTIONS.items():
            if name not in without:
                names = [flag, "--port"] if name == port else [flag]
                option = typer.Option(*names, help=f"{text} Default: {default}.", metavar=_METAVARS.get(kind))
                hints[name] = Annotated[kind | None, option]
        # Typer reads a command's options from its signature.
        keyword = inspect.Parameter.KEYWORD_ONLY
        parameters = [inspect.Parameter(name, keyword, default=None, annotation=hint) for name, hint in hints.items()]
        version_flag = version_option(command_name)
        parameters.append(inspect.Parameter("version", keyword, default=version_flag, annotation=bool))
        command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        command.__annotations__ = hints | {"version": bool}
        command.__name__, command.__doc__ = function.__name__, function.__doc__
        return command

    return decorate


def run_command(command: Callable[..., None]) -> None:
    """Run a program that is this one command."""
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, context_settings=CONTEXT)
    app.command()(command)
    app()


def fail(message: object) -> NoReturn:
    """Say what is wrong and leave with exit code 1."""
    typer.echo(f"error: {message}", err=True)
    raise typer.Exit(1)


def configured(file: Path | None, flags: dict[str, Any]) -> Config:
    """The configuration that holds for a command; one that will not do ends it. `flags`: settings, None for unset."""
    try:
        config = load_config(file, flags, os.environ)
    except ConfigError as error:
        fail(error)
    for variable in unknown_variables(os.environ, Config.__struct_fields__):
        typer.echo(f"warning: {variable}: unknown variable, which sets nothing", err=True)
    return config
