"""The command `datacat-daemon`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from datacat_daemon import __version__
from datacat_daemon.watching.process import inherited_process, process_of, watch_process


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the daemon until it has nothing left to do; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="datacat-daemon",
        description="Looks after one application process: ships what it records to the DataCat server, and says what"
        " became of it. The client library starts it by itself.",
    )
    parser.add_argument("--version", action="store_true", help="show the version and leave")
    parser.add_argument("--process-dir", type=Path, metavar="DIR", help="the process's folder in the spool")
    parser.add_argument("--pidfd", type=int, metavar="FD", help="an open pidfd of the process, if it has handed one on")
    options = parser.parse_args(arguments)
    if options.version:
        print(f"datacat-daemon {__version__}")
        return 0
    if options.process_dir is None:
        parser.error("--process-dir is needed")
    if not options.process_dir.is_dir():
        parser.error(f"--process-dir: there is no folder {options.process_dir}")
    folder: Path = options.process_dir.absolute()
    named = process_of(folder)
    process = None
    if named is not None and options.pidfd is not None:
        process = inherited_process(*named, options.pidfd)
    if named is not None and process is None:
        process = watch_process(*named)
    # How a process ended is known only to who watched it then; it may not live as long as the imports below take.
    from datacat_daemon.config import BadConfig, Config, load_config
    from datacat_daemon.daemon import Daemon
    from datacat_daemon.spool.log import DaemonLog

    try:
        config = load_config()
    except BadConfig as error:  # nobody reads what this process prints, and its records are to be shipped all the same
        DaemonLog(folder / "daemon.log").write(f"the defaults are used: {error}")
        config = Config()
    daemon = Daemon(folder.parent, config)
    if daemon.look_after(folder, process):
        daemon.run()
    return 0
