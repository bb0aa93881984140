"""`datacat backup`."""

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
from datacat_server.store.sqlite.upkeep.backup import back_up
from datacat_server.wording import count, size


def backup(
    file: Annotated[Path, typer.Argument(help="The file to write.", metavar="FILE", show_default=False)],
    force: Annotated[bool, typer.Option("--force", help="Replace the file if it is there.")] = False,
    data_path: DataPathOption = None,
    config_file: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Copy all data into one file, while the server runs or not.

    datacat backup /backups/datacat.sqlite3 --data-path /var/lib/datacat

    The copy is as of one moment, checked, and readable for you only. Nothing waits for it, and one that fails or is
    interrupted leaves nothing behind. `datacat restore` puts it back.
    """
    folder = folder_of(data_path, config_file)
    try:
        with copying() as progress:
            contents = back_up(folder, file.absolute(), force=force, progress=progress)
    except StoreError as error:
        fail(error)
    sessions = contents.rows["sessions"]
    if as_json:
        answer = {"file": str(file), "bytes": contents.bytes, "sessions": sessions, "version": contents.version}
        typer.echo(msgspec.json.encode(answer))
    else:
        typer.echo(f"{file}: {count(sessions, 'session')}, {size(contents.bytes)}, checked")
