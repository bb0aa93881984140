"""`datacat`: the one command for people."""

import os
import sys

from datacat_server.cli.groups import COMMANDS
from datacat_server.cli.leaving import leaving_well


def main() -> None:
    """Entry point of the command.

    Who names a command waits for that one alone: `datacat run` is not to take longer for all that a server needs.
    """
    with leaving_well():
        _run()


def _run() -> None:
    match sys.argv[1:] or _completed():
        case ["up", *arguments] if sys.argv[1:]:
            from datacat_server.cli.up import up

            if up.run_if_plain(arguments):
                return
            needed: tuple[str, ...] = ("up",)
        case [name, *_] if name in COMMANDS:
            needed = (name,)
        case ["--version"]:
            needed = ()
        case _:
            needed = COMMANDS
    from datacat_server.cli.commands import NAME, application
    from datacat_server.cli.running import run_typer

    run_typer(application(needed), NAME)


def _completed() -> list[str]:
    """The words of a command that a shell asks to complete, as far as they name a command; none where nobody does."""
    if "_DATACAT_COMPLETE" not in os.environ:
        return []
    typed = os.environ.get("COMP_WORDS") or os.environ.get("_TYPER_COMPLETE_ARGS", "")
    words = typed.replace("\n", " ").split(" ")[1:]
    return words if len(words) > 1 else []  # the first word may not be whole yet
