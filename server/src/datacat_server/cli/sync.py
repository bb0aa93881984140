"""`datacat sync`."""

from typing import Annotated

import typer

from datacat_server.cli.options import JsonOption


def sync(
    server_url: Annotated[
        str | None,
        typer.Option("--server-url", "--url", help="Ship to this server, not to each session's own.", metavar="URL"),
    ] = None,
    api_key: Annotated[
        str | None, typer.Option("--api-key", help="Ship with this key, not with each session's own.", metavar="KEY")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Ship what waits on this machine for its server, now.

    A daemon does that by itself, once the server can be reached, and when the next program starts.

    Exit code 1 says that something is left, and the output why.
    """
    from datacat_server.cli.syncing import ship  # late: `datacat --help` should not wait for it

    raise typer.Exit(0 if ship(server_url, api_key, as_json=as_json) else 1)
