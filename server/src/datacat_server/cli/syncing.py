"""What `datacat sync` shows while it ships, and in the end."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import typer
from datacat.address import server_address
from datacat_daemon.config import BadConfig, load_config
from datacat_daemon.sync import Leftover, Sync
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from datacat_server.cli.settings import fail
from datacat_server.wording import count

_MOST_NAMED = 10


def ship(server_url: str | None, api_key: str | None, *, as_json: bool) -> bool:
    """Ship what waits, and show it; True if nothing is left."""
    try:
        config = load_config()
    except BadConfig as error:
        fail(error)
    if server_url is not None and server_address(server_url) is None:
        fail(f"--server-url: expected an address such as http://localhost:9090, not {server_url}")
    work = Sync(config, server_url, api_key=api_key)
    if as_json:
        complete = work.run(lambda: None)
        typer.echo(json.dumps(_as_data(work)))
        return complete
    with _progress(work) as show:
        complete = work.run(show)
    _tell(work)
    return complete


@contextmanager
def _progress(work: Sync) -> Iterator[Callable[[], None]]:
    """A bar on a terminal, and a line for every session that is shipped."""
    console = Console(soft_wrap=True, highlight=False)
    total = sum(session.records for session in work.sessions)
    columns = (TextColumn("Shipping"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(compact=True))
    told: set[str] = set()
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=total)

        def show() -> None:
            progress.update(task, completed=total - sum(session.waiting for session in work.sessions))
            for session in work.sessions:
                if session.shipped and session.manifest.session_id not in told:
                    told.add(session.manifest.session_id)
                    progress.console.print(f"shipped  {_words(session, session.records)}", markup=False)

        yield show


def _words(session: Leftover, records: int) -> str:
    manifest = session.manifest
    return f"{manifest.session_id}  {count(records, 'record')}  {manifest.product} {manifest.version}"


def _tell(work: Sync) -> None:
    left = [session for session in work.sessions if not session.shipped]
    aside = work.set_aside()
    if not work.sessions:
        typer.echo("Nothing waits to be shipped.")
    elif not left:
        typer.echo(f"All is shipped: {count(len(work.sessions), 'session')}.")
    else:
        for why in dict.fromkeys(session.why for session in left):
            _tell_left([session for session in left if session.why == why], str(why))
    if aside:
        typer.echo(f"Set aside, as servers would not take them: {count(len(aside), 'record')}, such as {aside[0]}")


def _tell_left(sessions: list[Leftover], why: str) -> None:
    records = count(sum(session.waiting for session in sessions), "record")
    typer.echo(f"Left: {count(len(sessions), 'session')}, {records}: {why}")
    for session in sessions[:_MOST_NAMED]:
        typer.echo(f"  {_words(session, session.waiting)}")
    if len(sessions) > _MOST_NAMED:
        typer.echo(f"  … and {len(sessions) - _MOST_NAMED} more")


def _as_data(work: Sync) -> dict[str, Any]:
    return {
        "sessions": [
            {
                "session_id": session.manifest.session_id,
                "product": session.manifest.product,
                "version": session.manifest.version,
                "server_url": session.manifest.server_url,
                "records": session.records,
                "waiting": session.waiting,
                "shipped": session.shipped,
                "why": session.why,
            }
            for session in work.sessions
        ],
        "records": sum(session.records for session in work.sessions),
        "waiting": sum(session.waiting for session in work.sessions),
        "set_aside": [str(path) for path in work.set_aside()],
        "complete": all(session.shipped for session in work.sessions),
    }
