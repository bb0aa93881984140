"""`datacat up`: the API and the web UI in one process."""

from datacat_server.cli.settings import takes_settings
from datacat_server.config import Config


@takes_settings("datacat up", port="server_port")
def up(config: Config) -> None:
    """Start the server and the web UI, until Ctrl-C.

    Settings come from the configuration file, then DATACAT_* environment variables, then these options.
    """
    # Not for `--help`, which is answered without any of it.
    from datacat_server.cli.services import CHORES, api_service, web_service
    from datacat_server.cli.starting import run

    run(
        config,
        lambda store: [api_service(store), web_service(store)],
        lambda addresses, folder: f"DataCat is up: web UI {addresses[1]}, API {addresses[0]} (data in {folder})",
        CHORES,
    )
