"""`python -m datacat_daemon.wrapping`: `datacat run` where only the client is installed."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from datacat.address import server_address
from datacat.client import DEFAULT_URL, named_server

from datacat_daemon.wrapping.leaving import leave
from datacat_daemon.wrapping.run import run
from datacat_daemon.wrapping.settings import Settings


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a program as a session; returns its exit code, or dies by the signal that ended it."""
    parser = argparse.ArgumentParser(
        prog="python -m datacat_daemon.wrapping",
        usage="%(prog)s [options] -- program [arguments]",
        description="Runs a program, in whatever language, as a session of DataCat.",
    )
    parser.add_argument("--product", help="what the session is called; by default the program's name")
    parser.add_argument("--version", help='the version it is of; by default $DATACAT_VERSION, else "unknown"')
    parser.add_argument("--server-url", metavar="URL", help="the server; by default $DATACAT_URL")
    parser.add_argument(
        "--capture-output",
        action="store_true",
        help="each line that it prints becomes an event; what it leaves behind can print no more once it has ended",
    )
    parser.add_argument("command", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    command = options.command[1:] if options.command[:1] == ["--"] else options.command
    if not command:
        parser.error("there is no program to run")
    if options.server_url is not None and server_address(options.server_url) is None:
        parser.error(f"--server-url: expected an address such as {DEFAULT_URL}, not {options.server_url!r}")
    named = named_server(options.server_url)
    if named is not None and server_address(named) is None:
        print(f"datacat run: $DATACAT_URL: {named!r} is no address; {DEFAULT_URL} is taken instead", file=sys.stderr)
        options.server_url = DEFAULT_URL
    settings = Settings(options.product, options.version, options.server_url, options.capture_output)
    return leave(run(command, settings))


if __name__ == "__main__":
    sys.exit(main())
