"""`datacat-web`: the web UI alone, over the data folder of a server."""

import typer

from datacat_server.cli.starting import (
    ConfigOption,
    DataOption,
    HostOption,
    LogOption,
    VersionOption,
    WebPortOption,
    configured,
    run,
)
from datacat_server.serve import Service
from datacat_server.web.app import create_web


def web(
    config_file: ConfigOption = None,
    data_path: DataOption = None,
    host: HostOption = None,
    web_port: WebPortOption = None,
    log_file: LogOption = None,
    version: VersionOption = False,
) -> None:
    """Run the DataCat web UI over the same data folder as the server, which may be running or not.

    Settings come from the configuration file, then DATACAT_* environment variables, then these options.
    """
    config = configured(config_file, data_path=data_path, host=host, web_port=web_port, log_file=log_file)
    run(
        config,
        lambda store: [Service("web UI", create_web(store, config), config.web_port, "web_port")],
        lambda addresses: f"DataCat web UI is ready at {addresses[0]} (data in {config.data_path})",
    )


def main() -> None:
    """Entry point of the command."""
    typer.run(web)
