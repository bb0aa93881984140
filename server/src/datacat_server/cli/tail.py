"""`datacat tail`."""

from typing import Annotated

import typer

from datacat_server.cli.asking import reader_of
from datacat_server.cli.completing import complete_product, complete_session
from datacat_server.cli.finding import session_meant
from datacat_server.cli.options import JsonOption
from datacat_server.cli.where import KeyOption, UrlOption
from datacat_server.model import Level

_LAST = 10


def tail(
    session: Annotated[
        str | None,
        typer.Argument(
            help="Of this session: its id, the beginning of it, or last. Default: of all.",
            metavar="ID",
            autocompletion=complete_session,
        ),
    ] = None,
    level: Annotated[
        Level | None, typer.Option("--level", "-l", help="Of this level and above: debug to critical.", metavar="LEVEL")
    ] = None,
    name: Annotated[str | None, typer.Option(help="With this name.", metavar="NAME")] = None,
    category: Annotated[str | None, typer.Option(help="Of this category.", metavar="NAME")] = None,
    group: Annotated[str | None, typer.Option(help="Of this group.", metavar="NAME")] = None,
    label: Annotated[str | None, typer.Option(help="With this label.", metavar="NAME")] = None,
    q: Annotated[
        str | None, typer.Option("--q", help="With this text in name, message or data.", metavar="TEXT")
    ] = None,
    exceptions: Annotated[bool, typer.Option("--exceptions", help="Exceptions only.")] = False,
    product: Annotated[
        str | None,
        typer.Option(help="Of sessions of this product.", metavar="NAME", autocompletion=complete_product),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(help="First those since then, in UTC, or -5min: ago; 1,000 at most.", metavar="TIME"),
    ] = None,
    last: Annotated[
        int, typer.Option("--last", "-n", min=0, max=1000, help="First so many of the last ones.", metavar="N")
    ] = _LAST,
    follow: Annotated[bool, typer.Option("--follow/--no-follow", help="Go on with what comes in, or leave.")] = True,
    full: Annotated[bool, typer.Option("--full", help="Cut no line, and print tracebacks.")] = False,
    url: UrlOption = None,
    api_key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print events as they come in, of all sessions or of one, until Ctrl-C.

    datacat tail --level warning --product MyGame

    datacat tail last --since -5min

    That of one session ends when the session does, with what became of it.

    While the server is away it waits. Times are UTC. --json prints a line for each event.
    """
    from datacat_server.cli.following import Following, Wanted  # late: `datacat --help` should not wait for it

    reader = reader_of(url, api_key)
    session_id = None if session is None else session_meant(reader, session)
    wanted = Wanted(
        session_id=session_id,
        since=since,
        last=last,
        filters={
            "min_level": level and level.value,
            "name": name,
            "category": category,
            "group": group,
            "label": label,
            "q": q,
            "exceptions": "true" if exceptions else None,
            "product": product,
        },
    )
    Following(reader, wanted, full=full, as_json=as_json).run(follow=follow)
