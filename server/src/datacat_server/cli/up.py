"""`datacat up`: the API and the web UI in one process."""

from datacat_server.alerts.chore import deliver_alerts
from datacat_server.chores.retention import keep_retention
from datacat_server.chores.silence import watch_silence
from datacat_server.cli.options import takes_settings
from datacat_server.cli.services import api_service, web_service
from datacat_server.cli.starting import run
from datacat_server.config import Config


@takes_settings("datacat up")
def up(config: Config) -> None:
    """Start the server and the web UI, until Ctrl-C.

    Settings come from the configuration file, then DATACAT_* environment variables, then these options.
    """
    run(
        config,
        lambda store: [api_service(store), web_service(store)],
        lambda addresses, folder: f"DataCat is up: web UI {addresses[1]}, API {addresses[0]} (data in {folder})",
        [keep_retention, watch_silence, deliver_alerts],
    )
