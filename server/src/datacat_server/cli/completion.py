"""`datacat completion`."""

from enum import StrEnum
from typing import Annotated

import typer

from datacat_server.cli import shell_scripts


class Shell(StrEnum):
    """A shell that can be told what to complete."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


_SCRIPTS = {Shell.BASH: shell_scripts.BASH, Shell.ZSH: shell_scripts.ZSH, Shell.FISH: shell_scripts.FISH}


def completion(
    shell: Annotated[Shell, typer.Argument(help="bash, zsh or fish.", metavar="SHELL", show_default=False)],
) -> None:
    """Print what makes a shell complete commands, options, ids and products.

    bash: datacat completion bash > ~/.local/share/bash-completion/completions/datacat

    zsh: datacat completion zsh > ~/.zfunc/_datacat, with fpath+=~/.zfunc before compinit in ~/.zshrc

    fish: datacat completion fish > ~/.config/fish/completions/datacat.fish

    Ids, products, versions and machines are those of the server that $DATACAT_URL names.
    """
    typer.echo(_SCRIPTS[shell], nl=False)
