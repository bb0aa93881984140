"""`datacat keys`: the API keys of a data folder, made, listed and revoked, whether a server runs on it or not."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from datacat_server.access.scopes import Scope
from datacat_server.access.tokens import digest, new_token
from datacat_server.cli.leaving import fail
from datacat_server.cli.moving import database_in, opened
from datacat_server.cli.options import JsonOption
from datacat_server.cli.running import EXIT_CODES, Command, Group
from datacat_server.cli.settings import configured
from datacat_server.cli.where import ConfigOption, DataPathOption
from datacat_server.config import Config
from datacat_server.model import encode
from datacat_server.store.errors import StoreError
from datacat_server.store.keys import KeyStore, NameTaken, StoredKey, UnknownKey
from datacat_server.terminal.style import output, said, show, width_of
from datacat_server.terminal.table import Column, table_lines
from datacat_server.wording import ago

LONGEST_NAME = 100

_USES = {
    Scope.INGEST: "Programs and their daemons take it from $DATACAT_API_KEY.",
    Scope.READ: "It signs a browser in, and `datacat ls`, `tail` and `export` take it from $DATACAT_API_KEY.",
    Scope.ADMIN: "It signs a browser in, and `datacat import` takes it from $DATACAT_API_KEY; keep it from programs.",
}
"""What a key with a scope is for."""

keys = typer.Typer(cls=Group, no_args_is_help=True, help="Make, list and revoke API keys.")


@keys.command(cls=Command, epilog=EXIT_CODES)
def add(
    name: Annotated[str, typer.Argument(help="What the key is for, such as build-machines.", metavar="NAME")],
    scope: Annotated[
        list[str], typer.Option(help="ingest, read or admin; can be given again for another.", metavar="SCOPE")
    ],
    data_path: DataPathOption = None,
    config_file: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a key, and show it this once: what is kept is its digest.

    datacat keys add build-machines --scope ingest

    With the scope ingest it sends sessions and their records, with read it sees everything, with admin it does both,
    and deletes and changes things.
    """
    if not name.strip() or name != name.strip() or not name.isprintable() or len(name) > LONGEST_NAME:
        fail(f"NAME: expected at most {LONGEST_NAME} printable characters, without blanks around them")
    if unknown := [one for one in scope if one not in list(Scope)]:
        fail(f"--scope: expected {', '.join(Scope)}, not {unknown[0]!r}")
    config = configured(config_file, {"data_path": data_path})
    key_id, token = new_token()
    scopes = tuple(one.value for one in Scope if one in scope)
    key = StoredKey(id=key_id, name=name, scopes=scopes, digest=digest(token), created=datetime.now(UTC))
    with _store(config, make=True) as store:
        try:
            store.add_key(key)
        except NameTaken:
            fail(f"there is a key {name!r} already; revoke it first, or take another name")
    if as_json:
        print(encode(_facts(key) | {"key": token}).decode())
        return
    # Blank lines set it apart where both are seen together; a script that takes it has no use for them.
    blank = "\n" if sys.stdout.isatty() else ""
    typer.echo(f"Made the key {name!r} for {', '.join(scopes)}. It cannot be shown again:{blank}", err=True)
    typer.echo(token)
    typer.echo(blank + " ".join(_USES[one] for one in Scope if one in scope), err=True)
    _say_whether_asked(config)


@keys.command(cls=Command, epilog=EXIT_CODES)
def ls(
    every: Annotated[bool, typer.Option("--all", help="Show the revoked ones, too.")] = False,
    data_path: DataPathOption = None,
    config_file: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the keys. When one was last used is known to ten minutes."""
    config = configured(config_file, {"data_path": data_path})
    with _store(config) as store:
        shown = [key for key in store.api_keys() if every or key.revoked is None]
    if as_json:
        print(encode([_facts(key) for key in shown]).decode())
        return
    if shown:
        console = output()
        for line in _lines(shown, width_of(console)):
            show(console, line)
    else:
        typer.echo("No keys yet. Make one with: datacat keys add NAME --scope ingest")
    if config.api_key:
        typer.echo("The api_key of the configuration is a key for everything, besides.", err=True)
    _say_whether_asked(config)


@keys.command(cls=Command, epilog=EXIT_CODES)
def revoke(
    name: Annotated[str, typer.Argument(help="Name of the key, or its id.", metavar="NAME")],
    data_path: DataPathOption = None,
    config_file: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """End a key. Servers refuse it within two seconds, and browsers that signed in with it are signed out."""
    config = configured(config_file, {"data_path": data_path})
    with _store(config) as store:
        try:
            key = store.revoke_key(name, datetime.now(UTC))
        except UnknownKey:
            names = ", ".join(repr(key.name) for key in store.api_keys() if key.revoked is None)
            fail(f"there is no key {name!r}; there is {names or 'none at all'}")
    if as_json:
        print(encode(_facts(key)).decode())
        return
    typer.echo(f"Revoked the key {key.name!r}. Servers refuse it within two seconds.")


@contextmanager
def _store(config: Config, *, make: bool = False) -> Iterator[KeyStore]:
    """The keys of a data folder, which has to have a database unless one may be made."""
    folder = Path(config.data_path).absolute()
    if not make:
        database_in(folder)
    try:
        with opened(folder) as store:
            yield store
    except StoreError as error:
        fail(error)


def _say_whether_asked(config: Config) -> None:
    if not config.require_api_key:
        typer.echo("The server asks for keys only where require_api_key is set.", err=True)


def _facts(key: StoredKey) -> dict[str, Any]:
    """What is told of a key as JSON."""
    return {
        "id": key.id,
        "name": key.name,
        "scopes": key.scopes,
        "created": key.created,
        "last_used": key.last_used,
        "revoked": key.revoked,
    }


_COLUMNS = (
    Column("name", least=16),
    Column("scopes"),
    Column("key", goes=2),
    Column("made", goes=3),
    Column("last used", goes=1),
    Column("revoked"),
)


def _lines(shown: list[StoredKey], width: int | None) -> list[Text]:
    """A table with a row for each; the column of what is revoked is there where something is."""
    now = datetime.now(UTC)
    return table_lines(_COLUMNS, [_row(key, now) for key in shown], width)


def _row(key: StoredKey, now: datetime) -> list[Text]:
    return [
        said(key.name, "bold" if key.revoked is None else "dim"),
        Text(", ".join(key.scopes), "yellow" if Scope.ADMIN in key.scopes else ""),
        Text(f"dc_{key.id}_…", "dim"),
        Text(ago(key.created, now)),
        Text(ago(key.last_used, now) if key.last_used else "never", "" if key.last_used else "dim"),
        Text(ago(key.revoked, now) if key.revoked else ""),
    ]
