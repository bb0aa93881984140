"""`datacat export`."""

import errno
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Annotated

import msgspec
import typer

from datacat_server.cli.addressing import ServerError
from datacat_server.cli.filtering import takes_filter
from datacat_server.cli.leaving import fail
from datacat_server.cli.moving import data_folder
from datacat_server.cli.options import JsonOption
from datacat_server.cli.rest import server_of
from datacat_server.cli.where import ConfigOption, InsteadOption, KeyOption, UrlOption
from datacat_server.export.files import new_file, packed
from datacat_server.export.formats import Format, LineWriter, MissingPackage, format_of, writer_of
from datacat_server.export.stream import Tally, export_stream, lines_of
from datacat_server.filters import Filter, to_query
from datacat_server.store.errors import StoreError
from datacat_server.terminal.progress import Show, progress_bar
from datacat_server.wording import count, size

_STDOUT = "-"
_FULL = (errno.ENOSPC, errno.EDQUOT)


@takes_filter
def export(
    wanted: Filter,
    file: Annotated[str, typer.Argument(help="The file to write, - for standard output.", metavar="FILE")] = _STDOUT,
    format_: Annotated[
        Format | None,
        typer.Option(
            "--format",
            help="ndjson, csv or parquet. Default: by the file's ending; .gz and .zst pack it.",
            metavar="FORMAT",
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the file if it is there.")] = False,
    url: UrlOption = None,
    api_key: KeyOption = None,
    data_path: InsteadOption = None,
    config_file: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write sessions, all or those of a filter, with all that belongs to them into a file.

    datacat export crashes.ndjson.zst --status crashed --from=-7d

    datacat export games.csv --product MyGame --data-path /var/lib/datacat

    From a server, or with --data-path straight from its folder. `datacat import` reads the file into another one.

    The file is there when it is whole, and readable for you only. --json says what was written.
    """
    if url is not None and data_path is not None:
        fail("--url and --data-path: say one of them")
    try:
        kind, compression = format_of(file, format_)
        make_writer = writer_of(kind)
        if file == _STDOUT and kind is Format.PARQUET and sys.stdout.isatty():
            fail("a Parquet file is nothing for a terminal; name a file")
        tally = Tally()
        with (
            _progress(file) as show,
            _target(file, force=force) as raw,
            _source(wanted, url, api_key, data_path, config_file) as chunks,
        ):
            with packed(raw, compression) as packing:
                _write(lines_of(chunks), make_writer(packing), tally, raw, show)
            written = raw.tell() if file != _STDOUT else None
    except BrokenPipeError:  # of standard output, which is nothing that cannot be written
        raise
    except FileExistsError:
        fail(f"{file} is there already; name another file, or replace it with --force")
    except OSError as error:
        advice = "; free some space there, or take another place" if error.errno in _FULL else ""
        fail(f"{file} cannot be written: {error.strerror or error}{advice}")
    except (ServerError, StoreError, MissingPackage, ValueError) as error:
        fail(error)
    _say(file, kind, tally, written, as_json=as_json)


@contextmanager
def _progress(file: str) -> Iterator[Show]:
    """A bar, unless what is exported goes to the terminal itself."""
    if file == _STDOUT and sys.stdout.isatty():
        yield lambda done, total, told: None
    else:
        with progress_bar("Exporting") as show:
            yield show


def _write(lines: Iterable[bytes], writer: LineWriter, tally: Tally, file: IO[bytes], show: Show) -> None:
    sessions = -1
    for line in lines:
        tally.take(line)
        writer.write(line)
        if tally.sessions != sessions:
            sessions = tally.sessions
            show(sessions, tally.total, f"{count(sessions, 'session')}, {count(tally.records, 'record')}")
    if not tally.complete:
        raise ServerError("the export broke off before its end; nothing was kept of it, try again")
    writer.finish()


@contextmanager
def _source(
    wanted: Filter, url: str | None, api_key: str | None, data_path: str | None, config_file: Path | None
) -> Iterator[Iterator[bytes]]:
    if data_path is not None:
        with data_folder(data_path, config_file, make=False) as store:
            yield export_stream(store, wanted)
    else:
        with server_of(url, api_key).stream("/api/export", to_query(wanted)) as chunks:
            yield chunks


@contextmanager
def _target(file: str, *, force: bool) -> Iterator[IO[bytes]]:
    if file == _STDOUT:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
    else:
        with new_file(Path(file).absolute(), force=force) as raw:
            yield raw


def _say(file: str, kind: Format, tally: Tally, written: int | None, *, as_json: bool) -> None:
    to_stdout = file == _STDOUT
    if as_json:
        answer = {"file": file, "format": kind, "sessions": tally.sessions, "records": tally.records, "bytes": written}
        typer.echo(msgspec.json.encode(answer), err=to_stdout)
    elif written is not None:
        typer.echo(f"{file}: {count(tally.sessions, 'session')}, {count(tally.records, 'record')}, {size(written)}")
