"""`datacat-web`: the web UI alone, over the data folder of a server."""

from datacat_server.cli.program import run_program
from datacat_server.cli.settings import takes_settings
from datacat_server.config import Config

OF_THE_SERVER = {"server_port", "retention_days", "cleanup_interval_hours", "heartbeat_timeout_seconds"}


@takes_settings("datacat-web", without=OF_THE_SERVER, port="web_port")
def web(config: Config) -> None:
    """Run the DataCat web UI over the same data folder as the server, which may be running or not.

    Settings come from the configuration file, then DATACAT_* environment variables, then these options.
    """
    # Not for `--help`, which is answered without any of it.
    from datacat_server.cli.services import web_service
    from datacat_server.cli.starting import run

    run(
        config,
        lambda store: [web_service(store)],
        lambda addresses, folder: f"DataCat web UI is ready at {addresses[0]} (data in {folder})",
    )


def main() -> None:
    """Entry point of the command."""
    run_program(web)
