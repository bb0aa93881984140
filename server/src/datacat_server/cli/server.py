"""`datacat-server`: the REST API alone."""

from datacat_server.alerts.chore import deliver_alerts
from datacat_server.chores.retention import keep_retention
from datacat_server.chores.silence import watch_silence
from datacat_server.cli.options import run_command, takes_settings
from datacat_server.cli.services import api_service
from datacat_server.cli.starting import run
from datacat_server.config import Config


@takes_settings("datacat-server", without={"web_port"}, port="server_port")
def server(config: Config) -> None:
    """Run the DataCat server: the REST API that daemons and clients send to.

    Settings come from the configuration file, then DATACAT_* environment variables, then these options.
    """
    run(
        config,
        lambda store: [api_service(store)],
        lambda addresses, folder: f"DataCat server is ready at {addresses[0]} (data in {folder})",
        [keep_retention, watch_silence, deliver_alerts],
    )


def main() -> None:
    """Entry point of the command."""
    run_command(server)
