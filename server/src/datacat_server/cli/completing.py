"""What shells complete beyond names of commands and options: ids, products, versions, machines, as the server has them.

A server that does not answer within a second completes nothing, and no error gets into the line that is typed.
"""

import os
import re
from collections.abc import Callable, Iterable
from contextlib import closing
from typing import TYPE_CHECKING, Any

import typer

from datacat_server.filters import STATUSES

if TYPE_CHECKING:
    from datacat_server.model import SessionSummary

_PATIENCE_SECONDS = 1.0
_LOOKED_AT = 300
_MOST = 50

_PLAIN = re.compile(r"[\w.@+-]+")


def complete_session(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """Ids that begin so, the newest first, and `last`."""
    found = [("last", "the newest")] if "last".startswith(incomplete) else []
    for session in _sessions(ctx, incomplete):
        if session.id.startswith(incomplete) and _may_be_offered(session.id):
            found.append((session.id, f"{session.status} {_plain(session.product)} {_plain(session.version)}"))
    return found[:_MOST]


def complete_status(incomplete: str) -> list[str]:
    """Words for what a session is."""
    return [status for status in STATUSES if status.startswith(incomplete)]


def _values(of: Callable[["SessionSummary"], str | None]) -> Callable[[typer.Context, str], list[str]]:
    """Completes with what the newest sessions have."""

    def complete(ctx: typer.Context, incomplete: str) -> list[str]:
        values = dict.fromkeys(of(session) or "" for session in _sessions(ctx))
        return [value for value in values if value.startswith(incomplete) and _may_be_offered(value)][:_MOST]

    return complete


complete_product = _values(lambda session: session.product)
complete_version = _values(lambda session: session.version)
complete_machine = _values(lambda session: session.hostname or session.machine_id)


def _sessions(ctx: typer.Context, beginning: str = "") -> Iterable["SessionSummary"]:
    from datacat_server.cli.addressing import ServerError
    from datacat_server.cli.asking import reader_of
    from datacat_server.cli.finding import sessions

    said: dict[str, Any] = ctx.params
    try:
        with closing(reader_of(said.get("url"), said.get("api_key"), _PATIENCE_SECONDS)) as reader:
            return list(sessions(reader, [("q", beginning)] if beginning else [], _LOOKED_AT))
    except (ServerError, SystemExit):
        return []


def _may_be_offered(value: str) -> bool:
    """Whether a shell may be given it.

    Scripts that are not ours (shell_scripts.py) evaluate what they are given to complete with, and applications are
    called as they please.
    """
    if os.environ.get("_DATACAT_NAMES") == "all":
        return value != "" and value.isprintable()
    return _PLAIN.fullmatch(value) is not None


def _plain(text: str) -> str:
    return " ".join(_PLAIN.findall(text))
