"""`datacat up`: the API and the web UI in one process."""

from datacat_server.api.app import create_api
from datacat_server.cli.starting import (
    ConfigOption,
    DataOption,
    HostOption,
    LogOption,
    PortOption,
    WebPortOption,
    configured,
    run,
)
from datacat_server.serve import Service
from datacat_server.web.app import create_web


def up(
    config_file: ConfigOption = None,
    data_path: DataOption = None,
    host: HostOption = None,
    server_port: PortOption = None,
    web_port: WebPortOption = None,
    log_file: LogOption = None,
) -> None:
    """Start the server and the web UI, until Ctrl-C.

    Settings come from the configuration file, then DATACAT_* environment variables, then these options.
    """
    config = configured(
        config_file, data_path=data_path, host=host, server_port=server_port, web_port=web_port, log_file=log_file
    )
    run(
        config,
        lambda store: [
            Service("API", create_api(store, config), config.server_port, "server_port"),
            Service("web UI", create_web(store, config), config.web_port, "web_port"),
        ],
        lambda addresses: f"DataCat is up: web UI {addresses[1]}, API {addresses[0]} (data in {config.data_path})",
    )
