"""`datacat`: the one command for people."""

import sys
from importlib import import_module
from keyword import iskeyword

import typer

from datacat_server.cli.options import CONTEXT, version_option

_COMMANDS = ("up", "demo", "run", "sync", "export", "import", "backup", "restore", "prune", "doctor", "keys")


def datacat(version: bool = version_option("datacat")) -> None:
    """See what a program was doing when it crashed or hung."""


def main() -> None:
    """Entry point of the command.

    Who names a command waits for that one alone: `datacat run` is not to take longer for all that a server needs.
    """
    named = sys.argv[1:2]
    _app(named if named and named[0] in _COMMANDS else _COMMANDS)()


def _app(names: tuple[str, ...] | list[str]) -> typer.Typer:
    app = typer.Typer(name="datacat", no_args_is_help=True, pretty_exceptions_enable=False, context_settings=CONTEXT)
    app.callback()(datacat)
    for name in names:
        place = f"{name}_" if iskeyword(name) else name
        command = getattr(import_module(f"datacat_server.cli.{place}"), place)
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=name)
        elif name == "run":  # what follows the program is its own, even where it looks like an option
            app.command(context_settings={"allow_interspersed_args": False})(command)
        else:
            app.command(name)(command)
    return app
