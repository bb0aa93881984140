"""What the commands that serve have in common: their options, the start, and errors without a traceback."""

import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from logging.handlers import WatchedFileHandler
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from datacat_server import __version__
from datacat_server.config import Config, ConfigError, load_config
from datacat_server.serve import CannotServe, Service, serve
from datacat_server.store.errors import StoreError
from datacat_server.store.protocol import Store
from datacat_server.store.sqlite import SqliteStore


def _show_version(value: bool) -> None:
    if value:
        typer.echo(f"datacat-server {__version__}")
        raise typer.Exit


ConfigOption = Annotated[
    Path | None, typer.Option("--config", help="Configuration file. [default: ./config.json if there is one]")
]
DataOption = Annotated[
    str | None, typer.Option("--data-path", help="Folder that holds the data. [default: ./datacat_data]")
]
HostOption = Annotated[str | None, typer.Option(help="Address to listen on. [default: 127.0.0.1]")]
PortOption = Annotated[int | None, typer.Option("--server-port", "--port", help="Port of the API. [default: 9090]")]
WebPortOption = Annotated[int | None, typer.Option("--web-port", help="Port of the web UI. [default: 8080]")]
LogOption = Annotated[
    str | None, typer.Option("--log-file", help="File to write the log to. [default: standard error]")
]
VersionOption = Annotated[
    bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and leave.")
]


def fail(message: object) -> NoReturn:
    """Say what is wrong and leave with exit code 1."""
    typer.echo(f"error: {message}", err=True)
    raise typer.Exit(1)


def configured(file: Path | None, **flags: Any) -> Config:
    """The configuration that holds, or exit code 1 and what is wrong with it."""
    try:
        return load_config(file, flags, os.environ)
    except ConfigError as error:
        fail(error)


def run(config: Config, services: Callable[[Store], list[Service]], ready: Callable[[list[str]], str]) -> None:
    """Open the store and serve; `ready` makes the one line that is printed when the addresses answer."""
    try:
        _set_up_log(config.log_file)
        with _opened(config) as store:
            serve(services(store), store, config, lambda addresses: print(ready(addresses), flush=True))
    except (CannotServe, StoreError) as error:
        fail(error)


@contextmanager
def _opened(config: Config) -> Iterator[Store]:
    with closing(SqliteStore(Path(config.data_path))) as store:
        yield store


def _set_up_log(file: str | None) -> None:
    try:
        handler = WatchedFileHandler(file) if file else logging.StreamHandler(sys.stderr)
    except OSError as error:
        raise CannotServe(f"log_file: {file} cannot be written: {error.strerror}") from None
    logging.basicConfig(
        handlers=[handler], level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s", force=True
    )
    # What uvicorn says of its starting and stopping, the commands say themselves.
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
