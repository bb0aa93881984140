"""The start of what serves: the log, the store, and errors without a traceback."""

import logging
import shutil
import sys
import textwrap
from collections.abc import Callable, Coroutine, Sequence
from contextlib import closing, nullcontext
from functools import partial
from logging.handlers import WatchedFileHandler
from pathlib import Path

from datacat_server.access.exposure import warnings
from datacat_server.cli.leaving import fail
from datacat_server.config import Config, ConfigError
from datacat_server.repeats import RepeatsOnce
from datacat_server.serving.memory import give_back_freed_memory, keep_what_is_there
from datacat_server.serving.serve import CannotServe, Service, serve
from datacat_server.store.errors import StoreError
from datacat_server.store.protocol import Store
from datacat_server.store.sqlite import SqliteStore
from datacat_server.store.sqlite.file.lock import only_server
from datacat_server.terminal.colours import wants_colours
from datacat_server.terminal.progress import counted, progress_bar

log = logging.getLogger("datacat.start")

_BOLD_YELLOW, _PLAIN = "\033[1;33m", "\033[0m"


def run(
    config: Config,
    services: Callable[[Store], list[Service]],
    ready: Callable[[list[str], Path], str],
    chores: Sequence[Callable[[Store, Config], Coroutine[None, None, None]]] = (),
) -> None:
    """Open the store and serve, doing the chores meanwhile.

    `ready` makes the one line that is printed when the addresses answer, from them and the folder of the data.
    """
    folder = Path(config.data_path).absolute()
    give_back_freed_memory()
    try:
        _set_up_log(config.log_file)
        # Who has chores is the server of the folder; the web UI alone is there beside it.
        with closing(_opened(folder, config)) as store, only_server(folder) if chores else nullcontext():
            said = warnings(config, store)

            def on_ready(addresses: list[str]) -> None:
                keep_what_is_there()
                for warning in said:
                    _warn(warning, config)
                print(ready(addresses, folder), flush=True)

            serve(
                services(store),
                config,
                on_ready,
                [partial(chore, store) for chore in chores],
            )
    except (CannotServe, ConfigError, StoreError) as error:
        fail(error)


def _opened(folder: Path, config: Config) -> SqliteStore:
    """The store; at a terminal a bar shows how far it is with bringing data of an older version up to date."""
    if config.log_file or not sys.stderr.isatty():
        return SqliteStore(folder)
    with progress_bar("Updating the tables") as show:
        return SqliteStore(folder, counted(show, "session"))


def _warn(text: str, config: Config) -> None:
    """Say it in the log, and at the terminal where that is not the log."""
    at_terminal = sys.stderr.isatty()
    if config.log_file or not at_terminal:
        log.warning(text)
    if config.log_file or at_terminal:
        width = shutil.get_terminal_size().columns
        lines = textwrap.fill(f"WARNING: {text}", width, break_on_hyphens=False)
        print(f"{_BOLD_YELLOW}{lines}{_PLAIN}" if wants_colours(sys.stderr) else lines, file=sys.stderr)


def _set_up_log(file: str | None) -> None:
    try:
        handler = WatchedFileHandler(file) if file else logging.StreamHandler(sys.stderr)
    except OSError as error:
        raise CannotServe(f"log_file: {file} cannot be written: {error.strerror}") from None
    logging.basicConfig(
        handlers=[handler], level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s", force=True
    )
    # A full disk and a sender of nonsense are told once a minute, not once a request.
    handler.addFilter(RepeatsOnce())
    # What uvicorn says of its starting and stopping, the commands say themselves.
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
