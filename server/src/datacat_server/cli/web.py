"""`datacat-web`: the web UI alone, over the data folder of a server."""

import typer

from datacat_server.cli.options import takes_settings
from datacat_server.cli.starting import run
from datacat_server.config import Config
from datacat_server.serve import Service
from datacat_server.web.app import create_web


@takes_settings()
def web(config: Config) -> None:
    """Run the DataCat web UI over the same data folder as the server, which may be running or not.

    Settings come from the configuration file, then DATACAT_* environment variables, then these options.
    """
    run(
        config,
        lambda store: [Service(create_web(store, config), config.web_port, "web_port")],
        lambda addresses: f"DataCat web UI is ready at {addresses[0]} (data in {config.data_path})",
    )


def main() -> None:
    """Entry point of the command."""
    typer.run(web)
