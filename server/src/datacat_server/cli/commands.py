"""The commands of `datacat`, made with Typer of the functions that stand in modules of their names."""

from collections.abc import Iterable
from importlib import import_module
from keyword import iskeyword

import typer

from datacat_server.cli.groups import group_of
from datacat_server.cli.options import CONTEXT, for_typer, version_option
from datacat_server.cli.running import EXIT_CODES, Command, Group
from datacat_server.cli.settings import SettingsCommand

NAME = "datacat"


def datacat(version: bool = version_option(NAME)) -> None:
    """See what a program was doing when it crashed or hung."""


def application(names: Iterable[str]) -> typer.Typer:
    """`datacat` with the commands named; nothing is imported for others."""
    app = typer.Typer(
        name=NAME,
        cls=Group,
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
            app.command(name, cls=Command, rich_help_panel=group, epilog=EXIT_CODES)(for_typer(command))
        elif name == "run":  # what follows the program is its own, even where it looks like an option
            own = {"allow_interspersed_args": False}
            app.command(name, cls=Command, rich_help_panel=group, context_settings=own)(command)
        else:
            app.command(name, cls=Command, rich_help_panel=group, epilog=EXIT_CODES)(command)
    return app
