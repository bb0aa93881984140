"""`datacat-server`: the REST API alone."""

import typer

from datacat_server.api.app import create_api
from datacat_server.cli.options import takes_settings
from datacat_server.cli.starting import run
from datacat_server.config import Config
from datacat_server.serve import Service


@takes_settings("web_port")
def server(config: Config) -> None:
    """Run the DataCat server: the REST API that daemons and clients send to.

    Settings come from the configuration file, then DATACAT_* environment variables, then these options.
    """
    run(
        config,
        lambda store: [Service(create_api(store, config), config.server_port, "server_port")],
        lambda addresses: f"DataCat server is ready at {addresses[0]} (data in {config.data_path})",
    )


def main() -> None:
    """Entry point of the command."""
    typer.run(server)
