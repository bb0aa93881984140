"""`datacat show`."""

from typing import Annotated

import typer

from datacat_server.cli.asking import reader_of
from datacat_server.cli.completing import complete_session
from datacat_server.cli.finding import LAST, session_meant
from datacat_server.cli.options import JsonOption
from datacat_server.cli.where import KeyOption, UrlOption
from datacat_server.model import Level

_EVENTS = 12


def show(
    session: Annotated[
        str,
        typer.Argument(help="Its id, the beginning of it, or last.", metavar="ID", autocompletion=complete_session),
    ] = LAST,
    search: Annotated[
        list[str] | None, typer.Argument(help="With last: the last of a search, as in datacat ls.", metavar="SEARCH")
    ] = None,
    state_at: Annotated[
        str | None,
        typer.Option(
            help="Show the state then: 13:24.118 or +90s from its start, a time in UTC, or -5min: ago.", metavar="TIME"
        ),
    ] = None,
    events: Annotated[
        int, typer.Option("--events", "-n", min=0, max=1000, help="So many of the last events.", metavar="N")
    ] = _EVENTS,
    level: Annotated[
        Level | None, typer.Option("--level", "-l", help="Of this level and above: debug to critical.", metavar="LEVEL")
    ] = None,
    full: Annotated[bool, typer.Option("--full", help="All frames of all threads, and nothing cut.")] = False,
    url: UrlOption = None,
    api_key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show a session: what became of it in a sentence, its stacks, its last events and its state.

    datacat show 9f02c1aa

    datacat show last crashed product:MyGame

    datacat show last --state-at 13:24.118
    """
    from datacat_server.cli.showing import Request, print_report  # late: `datacat --help` should not wait for it

    reader = reader_of(url, api_key)
    request = Request(session_meant(reader, session, search or ()), state_at, events, level)
    print_report(reader, request, full=full, as_json=as_json)
