"""What `datacat sync` shows while it ships, and in the end."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import typer
from datacat.address import server_address
from datacat_daemon.config import BadConfig, load_config
from datacat_daemon.sync import Leftover, Sync

from datacat_server.cli.leaving import fail
from datacat_server.terminal.progress import counted, progress_bar
from datacat_server.terminal.style import safe
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
    with _progress(work, as_lines=not as_json) as show:
        complete = work.run(show)
    if as_json:
        typer.echo(json.dumps(_as_data(work)))
    else:
        _tell(work)
    return complete


@contextmanager
def _progress(work: Sync, *, as_lines: bool) -> Iterator[Callable[[], None]]:
    """A bar of records; `as_lines`: and a line for every session that is shipped."""
    total = sum(session.records for session in work.sessions)
    told: set[str] = set()
    with progress_bar("Shipping") as bar:
        tell = counted(bar, "record")

        def show() -> None:
            for session in work.sessions:
                if as_lines and session.shipped and session.manifest.session_id not in told:
                    told.add(session.manifest.session_id)
                    print(f"shipped  {_words(session, session.records)}", flush=True)
            if total:
                tell(total - sum(session.waiting for session in work.sessions), total)

        yield show


def _words(session: Leftover, records: int) -> str:
    manifest = session.manifest
    return safe(f"{manifest.session_id}  {count(records, 'record')}  {manifest.product} {manifest.version}")


def _tell(work: Sync) -> None:
    left = [session for session in work.sessions if not session.shipped]
    aside = work.set_aside()
    for folder, trouble in work.unreadable.items():
        typer.echo(
            safe(f"Left: what is in {folder}, which cannot be read: {trouble}; run this as the user whose it is")
        )
    if not work.sessions and not work.unreadable:
        typer.echo("Nothing waits to be shipped.")
    elif work.sessions and not left:
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
        "unreadable": {str(folder): why for folder, why in work.unreadable.items()},
        "complete": work.complete,
    }
