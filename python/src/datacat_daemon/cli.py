"""The command `datacat-daemon`."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from datacat_daemon import __version__
from datacat_daemon.spool.descriptors import raise_limit
from datacat_daemon.watching.process import Process, inherited_process, process_of, watch_process

if TYPE_CHECKING:
    from datacat_daemon.daemon import Daemon

_LOCK_SECONDS = 0.5

# Imports stand where they are needed: how a process ended is known only to who watched it then, and it may not live as
# long as they take; and who does not listen does not pay for it.


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the daemon until it has nothing left to do; returns the exit code."""
    parser = _Parser(
        prog="datacat-daemon",
        description="Looks after application processes: ships what they record to the DataCat server, and says what"
        " became of them. The Python client starts it by itself, with --process-dir. Without, it takes sessions of"
        " programs in any language by HTTP on 127.0.0.1, while the process that started it lives.",
    )
    parser.add_argument("--version", action="store_true", help="show the version and leave")
    parser.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help="the settings, as JSON; by default $DATACAT_CONFIG, else ./daemon_config.json if it is there",
    )
    parser.add_argument(
        "--port",
        type=_port,
        metavar="PORT",
        help="where to listen; 0 takes a free port (default: the settings', 8079)",
    )
    parser.add_argument(
        "--process-dir", type=Path, metavar="DIR", help="one process's folder in the spool; listens only with --port"
    )
    parser.add_argument("--pidfd", type=int, metavar="FD", help="an open pidfd of the process, if it has handed one on")
    options = parser.parse_args(arguments)
    if options.version:
        print(f"datacat-daemon {__version__}")
        return 0
    raise_limit()
    if options.process_dir is None:
        return _run_alone(options.config, options.port)
    if not options.process_dir.is_dir():
        parser.error(f"--process-dir: there is no folder {options.process_dir}")
    return _run_beside(options.process_dir.absolute(), options.pidfd, options.config, options.port)


def _run_alone(settings: Path | None, port: int | None) -> int:
    from datacat_daemon import standalone
    from datacat_daemon.config import BadConfig, load_config

    try:
        config = load_config(settings, folder=Path())
    except BadConfig as error:
        print(f"datacat-daemon: {error}", file=sys.stderr)
        return 2
    trouble = standalone.run(config if port is None else dataclasses.replace(config, daemon_port=port))
    if trouble is not None:
        print(f"datacat-daemon: {trouble}", file=sys.stderr)
    return 0 if trouble is None else 1


def _run_beside(folder: Path, pidfd: int | None, settings: Path | None, port: int | None) -> int:
    named = process_of(folder)
    process = None
    if named is not None and pidfd is not None:
        process = inherited_process(*named, pidfd)
    if named is not None and process is None:
        process = watch_process(*named)
    from datacat_daemon.config import BadConfig, Config, load_config
    from datacat_daemon.daemon import Daemon
    from datacat_daemon.spool.log import DaemonLog

    log = DaemonLog(folder / "daemon.log")
    try:
        config = load_config(settings)
    except BadConfig as error:  # nobody reads what this process prints, and its records are to be shipped all the same
        log.write(f"the defaults are used: {error}")
        config = Config()
    starter = watch_process(*named) if port is not None and named is not None else None
    if port is not None and starter is not None:  # a process that is gone already has nobody listen for it
        from datacat_daemon.http.service import Service

        try:
            service = Service(folder.parent, config, port, starter, log, folder)
        except OSError as error:
            log.write(f"does not listen on 127.0.0.1:{port}: {error.strerror}")
        else:
            log.write(f"listens on 127.0.0.1:{service.port}")
            if _look_after(service.daemon, folder, process):
                service.run()
            return 0
    daemon = Daemon(folder.parent, config)
    if _look_after(daemon, folder, process):
        daemon.run()
    return 0


def _look_after(daemon: Daemon, folder: Path, process: Process | None) -> bool:
    """Look after the folder; False if another daemon does, and not only looks whether one does."""
    deadline = time.monotonic() + _LOCK_SECONDS
    while not daemon.look_after(folder, process):
        if time.monotonic() >= deadline or not folder.is_dir():
            return False
        time.sleep(0.02)
    return True


class _Parser(argparse.ArgumentParser):
    """With the settings in its help."""

    def format_help(self) -> str:
        from datacat_daemon.config import Config

        lines = [f"  {field.name} ({json.dumps(field.default)})" for field in dataclasses.fields(Config)]
        return "\n".join(
            [
                super().format_help(),
                "settings (defaults), as keys of the file, or as DATACAT_ and the name in capitals in the environment:",
                *lines,
                "",
            ]
        )


def _port(word: str) -> int:
    if not (word.isascii() and word.isdigit() and int(word) <= 65_535):
        raise argparse.ArgumentTypeError(f"expected a number from 0 to 65535, not {word!r}")
    return int(word)
