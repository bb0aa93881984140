"""`datacat run`."""

import os
import subprocess
import sys
from typing import Annotated

import typer

from datacat_server.cli.where import UrlOption


def run(
    command: Annotated[
        list[str], typer.Argument(metavar="PROGRAM", help="The program and its arguments.", show_default=False)
    ],
    product: Annotated[
        str | None,
        typer.Option(help="Product of the session. Default: $DATACAT_PRODUCT or the program's name.", metavar="NAME"),
    ] = None,
    version: Annotated[
        str | None,
        typer.Option(help="Version of the session. Default: $DATACAT_VERSION or unknown.", metavar="VERSION"),
    ] = None,
    server_url: UrlOption = None,
    capture_output: Annotated[
        bool, typer.Option("--capture-output", help="Make each line that it prints an event.")
    ] = False,
) -> None:
    """Run any program as a session: how it ends, what it uses, what it prints.

    Its input, its output and its signals stay its own; its exit code is returned.

    With --capture-output, what it leaves running behind can print no more once it has ended.

    A Python program that makes a session joins this one.

    datacat run --product Backup -- rsync -a /home /backup
    """
    options = {"--product": product, "--version": version, "--server-url": server_url}
    words = [f"{name}={value}" for name, value in options.items() if value is not None]
    words += ["--capture-output"] if capture_output else []
    line = [sys.executable, "-P", "-m", "datacat_daemon.wrapping", *words, "--", *command]  # -P: not from this folder
    if sys.platform == "win32":  # there, another process would take this one's place, and the shell not wait for it
        raise typer.Exit(subprocess.call(line))
    # This process becomes the program's parent without all that it has loaded: it may wait there for days, and the
    # system counts a parent's memory at the fork as memory of the program.
    os.execv(sys.executable, line)
