"""`datacat`: the one command for people."""

import typer

from datacat_server.cli.demo import demo
from datacat_server.cli.options import VersionOption
from datacat_server.cli.up import up

app = typer.Typer(name="datacat", no_args_is_help=True, context_settings={"help_option_names": ["-h", "--help"]})


@app.callback()
def datacat(version: VersionOption = False) -> None:
    """See what a program was doing when it crashed or hung."""


app.command()(up)
app.command()(demo)


def main() -> None:
    """Entry point of the command."""
    app()
