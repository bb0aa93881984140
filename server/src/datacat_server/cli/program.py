"""A program that is one command of settings."""

import sys

from datacat_server.cli.leaving import leaving_well
from datacat_server.cli.settings import SettingsCommand


def run_program(command: SettingsCommand) -> None:
    """Run it with the arguments of the process: without Typer where these are plain, else by Typer's rules."""
    with leaving_well():
        if not command.run_if_plain(sys.argv[1:]):
            from datacat_server.cli.options import run_command

            run_command(command)
