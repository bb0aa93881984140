"""`datacat`: the one command for people."""

import typer

from datacat_server.cli.backup import backup
from datacat_server.cli.demo import demo
from datacat_server.cli.doctor import doctor
from datacat_server.cli.keys import keys
from datacat_server.cli.options import CONTEXT, version_option
from datacat_server.cli.prune import prune
from datacat_server.cli.restore import restore
from datacat_server.cli.run import run
from datacat_server.cli.sync import sync
from datacat_server.cli.up import up

app = typer.Typer(name="datacat", no_args_is_help=True, pretty_exceptions_enable=False, context_settings=CONTEXT)


@app.callback()
def datacat(version: bool = version_option("datacat")) -> None:
    """See what a program was doing when it crashed or hung."""


app.command()(up)
app.command()(demo)
# What follows the program is its own, even where it looks like an option.
app.command(context_settings={"allow_interspersed_args": False})(run)
app.command()(sync)
app.command()(backup)
app.command()(restore)
app.command()(prune)
app.command()(doctor)
app.add_typer(keys, name="keys")


def main() -> None:
    """Entry point of the command."""
    app()
