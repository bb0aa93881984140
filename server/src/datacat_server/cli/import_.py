"""`datacat import`."""

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO, Annotated, Protocol, cast

import msgspec
import typer

from datacat_server.cli.addressing import ServerError
from datacat_server.cli.leaving import fail
from datacat_server.cli.moving import data_folder
from datacat_server.cli.options import JsonOption
from datacat_server.cli.rest import server_of
from datacat_server.cli.uploading import Upload
from datacat_server.cli.where import ConfigOption, InsteadOption, KeyOption, UrlOption
from datacat_server.export.check import Check
from datacat_server.export.files import ReadableFile, read_lines
from datacat_server.export.formats import MissingPackage
from datacat_server.export.intake import Intake, Intaken
from datacat_server.store.errors import StoreError
from datacat_server.terminal.progress import Show, progress_bar
from datacat_server.wording import count

_SHOWN_EVERY = 1_000


class Sink(Protocol):
    """What takes the lines of an export in."""

    @property
    def done(self) -> Intaken: ...

    def feed(self, line: bytes) -> None: ...

    def finish(self) -> None: ...


def import_(
    file: Annotated[str, typer.Argument(help="What `datacat export` wrote, - for standard input.", metavar="FILE")],
    replace: Annotated[bool, typer.Option("--replace", help="Replace sessions that are there already.")] = False,
    url: UrlOption = None,
    api_key: KeyOption = None,
    data_path: InsteadOption = None,
    config_file: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take the sessions of an export, in any of its formats, into a server.

    datacat import crashes.ndjson.zst

    datacat import games.csv --data-path ./datacat_data

    The server is asked with a key of the scope admin. With --data-path they go straight into a data folder.

    The whole file is looked through first: of one that is damaged nothing is taken. Sessions that are there already
    stay as they are, so what was broken off goes on when the same file is imported again.
    """
    if url is not None and data_path is not None:
        fail("--url and --data-path: say one of them")
    try:
        with _opened(file) as source:
            _check(source)
            with (
                progress_bar("Importing") as show,
                _sink(replace, url, api_key, data_path, config_file) as sink,
            ):
                _feed(source, sink.feed, show)
                sink.finish()
                done = sink.done
    except OSError as error:
        fail(f"{file} cannot be read: {error.strerror or error}")
    except ValueError as error:
        fail(f"{file}: {error}")
    except (ServerError, StoreError, MissingPackage) as error:
        fail(error)
    _say(file, done, as_json=as_json)


def _check(source: ReadableFile) -> None:
    """Look through the whole file. Raises ValueError for one that is damaged."""
    check = Check()
    try:
        with progress_bar("Checking") as show:
            _feed(source, check.feed, show)
        check.finish()
    except ValueError as error:
        raise ValueError(f"{error} (nothing was imported)") from None


def _feed(source: ReadableFile, take: Callable[[bytes], None], show: Show) -> None:
    """Hand on every line of a file. Raises ValueError with its place, where it is not taken."""
    size = os.fstat(source.fileno()).st_size
    for number, (place, line) in enumerate(read_lines(source)):
        try:
            take(line)
        except ValueError as error:
            raise ValueError(f"line {place}: {error}") from None
        if number % _SHOWN_EVERY == 0:
            show(os.lseek(source.fileno(), 0, os.SEEK_CUR), size, count(number, "line"))


@contextmanager
def _opened(file: str) -> Iterator[ReadableFile]:
    """The file, which is read twice; standard input, and a pipe by whatever name, is copied for that."""
    if file == "-":
        if sys.stdin.isatty():
            print("Reading what is typed or pasted here; Ctrl-D ends it", file=sys.stderr)
        with _copied(sys.stdin.buffer) as copy:
            yield copy
        return
    with open(file, "rb") as source:
        if source.seekable():
            yield source
        else:
            with _copied(source) as copy:
                yield copy


@contextmanager
def _copied(source: IO[bytes]) -> Iterator[ReadableFile]:
    with tempfile.TemporaryFile() as copy:
        shutil.copyfileobj(source, copy)
        copy.flush()
        yield cast(ReadableFile, copy)  # by another name on Windows


@contextmanager
def _sink(
    replace: bool, url: str | None, api_key: str | None, data_path: str | None, config_file: Path | None
) -> Iterator[Sink]:
    if data_path is not None:
        with data_folder(data_path, config_file, make=True) as store:
            yield Intake(store, replace=replace)
    else:
        with closing(server_of(url, api_key)) as server:
            yield Upload(server, replace=replace)


def _say(file: str, done: Intaken, *, as_json: bool) -> None:
    if as_json:
        typer.echo(msgspec.json.encode({"file": file} | msgspec.to_builtins(done)))
        return
    said = [f"{count(done.imported, 'session')} imported"]
    if done.replaced:
        said.append(f"{done.replaced:,} replaced")
    if done.skipped:
        said.append(f"{done.skipped:,} left as they are, being there already (--replace takes them anew)")
    typer.echo(f"{file}: {', '.join(said)}; {count(done.records, 'record')}")
