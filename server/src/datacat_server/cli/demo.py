"""`datacat demo`."""

from pathlib import Path
from typing import Annotated

import typer


def demo(
    once: Annotated[
        bool, typer.Option("--once", help="Stop when all is settled; exit with 1 if anything is wrong.")
    ] = False,
    port: Annotated[
        int, typer.Option("--port", "--server-port", min=0, max=65535, help="Port of the server; 0 is any free one.")
    ] = 9090,
    web_port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the web UI; 0 is any free one.")] = 8080,
    data: Annotated[
        Path | None,
        typer.Option(
            "--data", "--data-path", help="Folder for the demo's data, kept afterwards.", show_default="a temporary one"
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the outcome as one JSON object.")] = False,
) -> None:
    """Watch seven games end, crash and hang, and what DataCat says of each."""
    from datacat_server.demo.run import run  # late: `datacat --help` should not wait for it

    raise typer.Exit(run(once=once, port=port, web_port=web_port, data=data, as_json=as_json))
