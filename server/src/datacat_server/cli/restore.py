"""`datacat restore`."""

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from datacat_server.cli.copying import copying
from datacat_server.cli.leaving import fail
from datacat_server.cli.moving import folder_of
from datacat_server.cli.options import JsonOption
from datacat_server.cli.where import ConfigOption, DataPathOption
from datacat_server.store.errors import StoreError
from datacat_server.store.sqlite.upkeep.backup import restore as put_back
from datacat_server.wording import count, size


def restore(
    file: Annotated[Path, typer.Argument(help="What `datacat backup` wrote.", metavar="FILE", show_default=False)],
    force: Annotated[bool, typer.Option("--force", help="Do not keep the database that is there.")] = False,
    data_path: DataPathOption = None,
    config_file: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put a backup in place of the data, while no server runs on them.

    datacat restore /backups/datacat.sqlite3 --data-path /var/lib/datacat

    The backup is checked first. The data that are there are kept beside it under another name.
    """
    folder = folder_of(data_path, config_file)
    try:
        with copying() as progress:
            contents, kept = put_back(folder, file.absolute(), force=force, progress=progress)
    except StoreError as error:
        fail(error)
    sessions = contents.rows["sessions"]
    if as_json:
        answer = {
            "data_path": str(folder),
            "bytes": contents.bytes,
            "sessions": sessions,
            "version": contents.version,
            "kept": str(kept) if kept else None,
        }
        typer.echo(msgspec.json.encode(answer))
        return
    typer.echo(f"{folder}: {count(sessions, 'session')}, {size(contents.bytes)}, from {file}")
    if kept:
        typer.echo(f"the data that were there are kept in {kept.name}; delete it when it is not needed any more")
