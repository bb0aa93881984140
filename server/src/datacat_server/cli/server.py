"""`datacat-server`: the REST API alone."""

import typer

from datacat_server.api.app import create_api
from datacat_server.cli.starting import (
    ConfigOption,
    DataOption,
    HostOption,
    LogOption,
    PortOption,
    VersionOption,
    configured,
    run,
)
from datacat_server.serve import Service


def server(
    config_file: ConfigOption = None,
    data_path: DataOption = None,
    host: HostOption = None,
    server_port: PortOption = None,
    log_file: LogOption = None,
    version: VersionOption = False,
) -> None:
    """Run the DataCat server: the REST API that daemons and clients send to.

    Settings come from the configuration file, then DATACAT_* environment variables, then these options.
    """
    config = configured(config_file, data_path=data_path, host=host, server_port=server_port, log_file=log_file)
    run(
        config,
        lambda store: [Service("API", create_api(store, config), config.server_port, "server_port")],
        lambda addresses: f"DataCat server is ready at {addresses[0]} (data in {config.data_path})",
    )


def main() -> None:
    """Entry point of the command."""
    typer.run(server)
