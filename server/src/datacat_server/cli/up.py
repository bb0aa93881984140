"""`datacat up`: the API and the web UI in one process."""

from datacat_server.api.app import create_api
from datacat_server.cli.options import takes_settings
from datacat_server.cli.starting import run
from datacat_server.config import Config
from datacat_server.serve import Service
from datacat_server.web.app import create_web


@takes_settings()
def up(config: Config) -> None:
    """Start the server and the web UI, until Ctrl-C.

    Settings come from the configuration file, then DATACAT_* environment variables, then these options.
    """
    run(
        config,
        lambda store: [
            Service(create_api(store, config), config.server_port, "server_port"),
            Service(create_web(store, config), config.web_port, "web_port"),
        ],
        lambda addresses: f"DataCat is up: web UI {addresses[1]}, API {addresses[0]} (data in {config.data_path})",
    )
