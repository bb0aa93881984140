"""The options that name where a command finds its data: a server with a key, or a data folder."""

from pathlib import Path
from typing import Annotated, Any

import typer

DEFAULT_URL = "http://localhost:9090"

_WHERE = "Where"
"""Above these options in `--help`."""


def url_option(text: str) -> Any:
    """The option that names a server."""
    return typer.Option("--url", "--server-url", help=text, metavar="URL", rich_help_panel=_WHERE)


def key_option(text: str) -> Any:
    """The option that has a key."""
    return typer.Option("--api-key", help=text, metavar="KEY", rich_help_panel=_WHERE)


def config_option(panel: str | None = None) -> Any:
    """The option that names a file of settings."""
    text = "File of settings, JSON. Default: ./config.json, if any."
    return typer.Option("--config", help=text, metavar="FILE", rich_help_panel=panel)


def data_path_option(text: str, *others: str) -> Any:
    """The option that names a data folder; `others`: more names of it."""
    return typer.Option("--data-path", *others, help=text, metavar="FOLDER", rich_help_panel=_WHERE)


UrlOption = Annotated[str | None, url_option(f"The server. Default: $DATACAT_URL or {DEFAULT_URL}.")]
KeyOption = Annotated[str | None, key_option("Key of the API; safer in $DATACAT_API_KEY.")]
ConfigOption = Annotated[Path | None, config_option(_WHERE)]
DataPathOption = Annotated[str | None, data_path_option("Folder of the data. Default: ./datacat_data.")]
InsteadOption = Annotated[str | None, data_path_option("Folder of the data, instead of a server.")]
