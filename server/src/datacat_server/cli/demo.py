"""`datacat demo`."""

from pathlib import Path
from typing import Annotated

import typer

from datacat_server.cli.leaving import fail
from datacat_server.cli.options import JsonOption


def demo(
    once: Annotated[
        bool, typer.Option("--once", help="Stop when all is settled; exit with 1 if anything is wrong.")
    ] = False,
    port: Annotated[
        int,
        typer.Option(
            "--port", "--server-port", min=0, max=65535, help="Port of the API; 0: any free one.", metavar="INT"
        ),
    ] = 9090,
    web_port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port of the web UI; 0: any free one.", metavar="INT")
    ] = 8080,
    data: Annotated[
        Path | None,
        typer.Option(
            "--data",
            "--data-path",
            help="Folder of the data, kept afterwards. Default: a temporary one.",
            metavar="FOLDER",
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Watch seven games end, crash and hang, and what DataCat says of each."""
    from datacat_server.demo.run import run  # late: `datacat --help` should not wait for it
    from datacat_server.demo.services import DemoError
    from datacat_server.terminal.style import output

    try:
        code = run(output(errors=as_json), once=once, port=port, web_port=web_port, data=data, as_json=as_json)
    except DemoError as error:
        fail(error)
    raise typer.Exit(code)
