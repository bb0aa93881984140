"""`datacat sync`."""

from typing import Annotated

import typer

from datacat_server.cli.options import JsonOption
from datacat_server.cli.where import key_option, url_option


def sync(
    server_url: Annotated[str | None, url_option("Ship to this server, not to each session's own.")] = None,
    api_key: Annotated[str | None, key_option("Ship with this key, not with each session's own.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Ship what waits on this machine for its server, now.

    A daemon does that by itself, once the server can be reached, and when the next program starts.

    With exit code 1 something is left, and the output says why.
    """
    from datacat_server.cli.syncing import ship  # late: `datacat --help` should not wait for it

    raise typer.Exit(0 if ship(server_url, api_key, as_json=as_json) else 1)
