"""`datacat-server`: the REST API alone."""

from datacat_server.cli.program import run_program
from datacat_server.cli.settings import takes_settings
from datacat_server.config import Config


@takes_settings("datacat-server", without={"web_port"}, port="server_port")
def server(config: Config) -> None:
    """Run the DataCat server: the REST API that daemons and clients send to.

    Settings come from the configuration file, then DATACAT_* environment variables, then these options.
    """
    # Not for `--help`, which is answered without any of it.
    from datacat_server.cli.services import CHORES, api_service
    from datacat_server.cli.starting import run

    run(
        config,
        lambda store: [api_service(store)],
        lambda addresses, folder: f"DataCat server is ready at {addresses[0]} (data in {folder})",
        CHORES,
    )


def main() -> None:
    """Entry point of the command."""
    run_program(server)
