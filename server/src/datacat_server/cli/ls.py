"""`datacat ls`."""

from typing import Annotated

import typer

from datacat_server.cli.asking import reader_of
from datacat_server.cli.filtering import takes_filter
from datacat_server.cli.finding import picked
from datacat_server.cli.listing import Listing
from datacat_server.cli.options import JsonOption
from datacat_server.cli.where import KeyOption, UrlOption
from datacat_server.filters import Filter

_LIMIT = 50


@takes_filter
def ls(
    wanted: Filter,
    search: Annotated[
        list[str] | None,
        typer.Argument(help="As in the search line of the pages: crashed product:MyGame from:-7d …", metavar="SEARCH"),
    ] = None,
    sort: Annotated[
        str,
        typer.Option(help="created, updated, duration, event_count, exception_count; -: largest first.", metavar="BY"),
    ] = "-created",
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="So many at most.", metavar="N")] = _LIMIT,
    page: Annotated[int, typer.Option(min=1, help="The page of so many that is shown.", metavar="N")] = 1,
    every: Annotated[bool, typer.Option("--all", help="Show all, on one page.")] = False,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Follow what becomes of them, until Ctrl-C.")] = False,
    url: UrlOption = None,
    api_key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """List sessions: all of them, or those of a search.

    datacat ls crashed from:-24h

    datacat ls product:MyGame state.level=7 ever_contains:window_state.open="space probe"

    Piped, nothing is cut, and ids are whole. --json prints one object, as the API does.

    --watch --json prints a line for each session that is new, or not what it was.
    """
    parameters = [*picked(search or (), wanted), ("sort", sort)]
    listing = Listing(reader_of(url, api_key), parameters, None if every else limit, page, as_json=as_json)
    if watch:
        listing.follow()
    else:
        listing.show()
