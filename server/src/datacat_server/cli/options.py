"""The settings as options of a command, made with Typer: each has the name of the setting."""

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from datacat_server import __version__
from datacat_server.cli.running import Command, run_typer
from datacat_server.cli.settings import OPTIONS, SettingsCommand
from datacat_server.cli.where import config_option


def version_option(command: str) -> Any:
    """The option `--version` of a command, which says the command's name first."""

    def show(value: bool) -> None:
        if value:
            typer.echo(f"{command} {__version__}")
            raise typer.Exit

    return typer.Option(False, "--version", callback=show, is_eager=True, help="Show the version and leave.")


JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON; errors, too, on standard error.")]

_METAVARS = {str: "TEXT", int: "INT", float: "NUM"}
CONTEXT = {"help_option_names": ["-h", "--help"]}


def _metavar(name: str, kind: type) -> str | None:
    if name.endswith("_file"):
        return "FILE"
    return "FOLDER" if name == "data_path" else _METAVARS.get(kind)


def for_typer(command: SettingsCommand) -> Callable[..., None]:
    """The function that Typer makes such a command of."""

    def function(config_file: Path | None = None, version: bool = False, **flags: Any) -> None:
        command.run(config_file, flags)

    hints: dict[str, Any] = {"config_file": Annotated[Path | None, config_option()]}
    for name, (kind, flag, text, default) in OPTIONS.items():
        if name not in command.without:
            names = [flag, "--port"] if name == command.port else [flag]
            option = typer.Option(*names, help=f"{text} Default: {default}.", metavar=_metavar(name, kind))
            hints[name] = Annotated[kind | None, option]
    # Typer reads a command's options from its signature.
    keyword = inspect.Parameter.KEYWORD_ONLY
    parameters = [inspect.Parameter(name, keyword, default=None, annotation=hint) for name, hint in hints.items()]
    version_flag = version_option(command.name)
    parameters.append(inspect.Parameter("version", keyword, default=version_flag, annotation=bool))
    function.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    function.__annotations__ = hints | {"version": bool}
    function.__name__, function.__doc__ = command.function.__name__, command.function.__doc__
    return function


def run_command(command: SettingsCommand) -> NoReturn:
    """Run a program that is this one command."""
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, context_settings=CONTEXT)
    app.command(cls=Command)(for_typer(command))
    run_typer(app, command.name)
