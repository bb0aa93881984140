"""The commands of `datacat`, made with Typer of the functions that stand in modules of their names."""

from collections.abc import Iterable
from importlib import import_module
from keyword import iskeyword

import typer

from datacat_server.cli.options import CONTEXT, for_typer, version_option
from datacat_server.cli.settings import SettingsCommand


def datacat(version: bool = version_option("datacat")) -> None:
    """See what a program was doing when it crashed or hung."""


def application(names: Iterable[str]) -> typer.Typer:
    """`datacat` with the commands named; nothing is imported for others."""
    app = typer.Typer(name="datacat", no_args_is_help=True, pretty_exceptions_enable=False, context_settings=CONTEXT)
    app.callback()(datacat)
    for name in names:
        place = f"{name}_" if iskeyword(name) else name
        command = getattr(import_module(f"datacat_server.cli.{place}"), place)
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=name)
        elif isinstance(command, SettingsCommand):
            app.command(name)(for_typer(command))
        elif name == "run":  # what follows the program is its own, even where it looks like an option
            app.command(context_settings={"allow_interspersed_args": False})(command)
        else:
            app.command(name)(command)
    return app
