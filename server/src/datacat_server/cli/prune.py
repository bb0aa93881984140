"""`datacat prune`."""

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from datacat_server.cli.leaving import fail
from datacat_server.cli.moving import database_in, opened
from datacat_server.cli.options import JsonOption
from datacat_server.cli.settings import configured
from datacat_server.cli.where import ConfigOption, DataPathOption
from datacat_server.instants import AGES, read_age
from datacat_server.store.errors import StoreError
from datacat_server.store.sqlite import SqliteStore
from datacat_server.store.sqlite.upkeep.compact import check_alone, compact
from datacat_server.terminal.progress import counted, progress_bar, progress_line
from datacat_server.wording import count, size

_MOST_DAYS = 500_000


def prune(
    older_than: Annotated[
        str | None,
        typer.Option(
            help="Age in s, min, h, d or w: 30d, 90min. Default: retention_days.", metavar="AGE", show_default=False
        ),
    ] = None,
    product: Annotated[str | None, typer.Option(help="Only sessions of this product.", metavar="NAME")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say how many there are.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    compact_file: Annotated[
        bool, typer.Option("--compact", help="Also rewrite the file without gaps; no server may run.")
    ] = False,
    data_path: DataPathOption = None,
    config_file: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Remove sessions from which nothing came for some time, now.

    datacat prune --older-than 30d --dry-run

    datacat prune --older-than 2w --product MyGame --yes

    The server may run meanwhile; each day it does the same by itself. Free space goes back to the file system. A file
    that was made by an older version gives it back when --compact has rewritten it.
    """
    config = configured(config_file, {"data_path": data_path})
    age = timedelta(days=min(config.retention_days, _MOST_DAYS)) if older_than is None else _age(older_than)
    folder = Path(config.data_path).absolute()
    file = database_in(folder)
    try:
        if compact_file and not dry_run:
            check_alone(folder)
        before = datetime.now(UTC) - age
        bytes_before = file.stat().st_size
        with opened(folder) as store:
            found = store.silent(before, product=product)
            if dry_run:
                _say(as_json, found=found, removed=0, freed=0)
                return
            if not _agreed(found, age, product, yes=yes, as_json=as_json):
                typer.echo("nothing was removed")
                return
            removed = _remove(store, before, product)
        if compact_file:
            with progress_bar("Rewriting the file") as show:
                show(0, 0, size(file.stat().st_size))
                compact(folder)
        _say(as_json, found=found, removed=removed, freed=max(0, bytes_before - file.stat().st_size))
    except (StoreError, OSError) as error:
        fail(error)


def _remove(store: SqliteStore, before: datetime, product: str | None) -> int:
    """Remove them, and wait until their space is given back; how many. Interrupted, a server does the rest."""
    with progress_line("Removing") as line:
        tell = counted(line.show, "session")
        removed = store.prune(before, product=product, progress=tell)
        line.rename("Clearing away")
        store.clear(tell)
    return removed


def _agreed(found: int, age: timedelta, product: str | None, *, yes: bool, as_json: bool) -> bool:
    if yes or found == 0:
        return True
    if as_json or not sys.stdin.isatty():
        fail(f"{count(found, 'session')} would be removed for good; say --yes to do it, or --dry-run")
    of = f" of {product}" if product else ""
    return typer.confirm(f"Remove {count(found, 'session')}{of}, silent for {_age_text(age)} or longer, for good?")


def _say(as_json: bool, *, found: int, removed: int, freed: int) -> None:
    if as_json:
        typer.echo(msgspec.json.encode({"found": found, "removed": removed, "bytes_freed": freed}))
    elif removed:
        typer.echo(f"removed {count(removed, 'session')}; {size(freed)} given back to the file system")
    elif freed:
        typer.echo(f"no session is that old; {size(freed)} given back to the file system")
    else:
        typer.echo(f"{count(found, 'session')} would be removed" if found else "no session is that old")


def _age(text: str) -> timedelta:
    try:
        seconds = read_age(text.strip())
    except ValueError:
        fail(f"--older-than: expected a number and {AGES}, such as 30d, got {text!r}")
    return timedelta(seconds=min(seconds, _MOST_DAYS * 86_400))


def _age_text(age: timedelta) -> str:
    minutes = age / timedelta(minutes=1)
    if minutes >= 48 * 60:
        return f"{age.days:,} days"
    return f"{minutes / 60:g} hours" if minutes >= 120 else f"{minutes:g} minutes"
