"""The command `datacat-daemon`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from datacat import __version__

from datacat_daemon.daemon import Daemon


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the daemon until it has nothing left to do; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="datacat-daemon",
        description="Looks after one application process: ships what it records to the DataCat server, and says what"
        " became of it. The client library starts it by itself.",
    )
    parser.add_argument("--version", action="version", version=f"datacat-daemon {__version__}")
    parser.add_argument(
        "--process-dir", type=Path, required=True, metavar="DIR", help="the process's folder in the spool"
    )
    folder: Path = parser.parse_args(arguments).process_dir
    if not folder.is_dir():
        parser.error(f"--process-dir: there is no folder {folder}")
    Daemon(folder.absolute()).run()
    return 0
