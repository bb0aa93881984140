"""The commands of `datacat`, made with Typer of the functions that stand in modules of their names."""

from collections.abc import Iterable
from importlib import import_module
from keyword import iskeyword

import typer

from datacat_server.cli.groups import group_of
from datacat_server.cli.options import CONTEXT, for_typer, version_option
from datacat_server.cli.settings import SettingsCommand

NAME = "datacat"
EXIT_CODES = "Exit codes: 0 done, 1 not done, with the reason on standard error, 2 misused, 130 ended by Ctrl-C."


def datacat(version: bool = version_option(NAME)) -> None:
    """See what a program was doing when it crashed or hung."""


def application(names: Iterable[str]) -> typer.Typer:
    """`datacat` with the commands named; nothing is imported for others."""
    app = typer.Typer(
        name=NAME,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings=CONTEXT,
        epilog=EXIT_CODES,
    )
    app.callback()(datacat)
    for name in names:
        place = f"{name}_" if iskeyword(name) else name
        command = getattr(import_module(f"datacat_server.cli.{place}"), place)
        group = group_of(name)
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=name, rich_help_panel=group)
        elif isinstance(command, SettingsCommand):
            app.command(name, rich_help_panel=group)(for_typer(command))
        elif name == "run":  # what follows the program is its own, even where it looks like an option
            app.command(context_settings={"allow_interspersed_args": False}, rich_help_panel=group)(command)
        else:
            app.command(name, rich_help_panel=group)(command)
    return app
