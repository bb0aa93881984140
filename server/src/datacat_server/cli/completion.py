"""`datacat completion`."""

import os
from enum import StrEnum
from typing import Annotated

import typer


class Shell(StrEnum):
    """A shell that can be told what to complete."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


def completion(
    shell: Annotated[Shell, typer.Argument(help="bash, zsh or fish.", metavar="SHELL", show_default=False)],
) -> None:
    """Print what makes a shell complete commands, options, ids and products.

    bash: datacat completion bash > ~/.local/share/bash-completion/completions/datacat

    zsh: datacat completion zsh > a file _datacat in a folder of $fpath

    fish: datacat completion fish > ~/.config/fish/completions/datacat.fish

    Or have it installed for the shell that you are in: datacat --install-completion
    """
    from datacat_server.cli.commands import NAME, application
    from datacat_server.cli.running import run_typer

    os.environ["_DATACAT_COMPLETE"] = f"source_{shell}"
    run_typer(application(()), NAME)
