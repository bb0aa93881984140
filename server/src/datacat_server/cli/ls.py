"""`datacat ls`."""

from typing import Annotated

import typer

from datacat_server.cli.addressing import KeyOption, UrlOption
from datacat_server.cli.asking import reader_of
from datacat_server.cli.filtering import (
    ContainsOption,
    EverContainsOption,
    FromOption,
    MachineOption,
    ProductOption,
    StateEverOption,
    StateOption,
    StatusOption,
    TextOption,
    ToOption,
    VersionOption,
    filter_from,
)
from datacat_server.cli.finding import picked
from datacat_server.cli.listing import Listing
from datacat_server.cli.options import JsonOption

_LIMIT = 50


def ls(
    search: Annotated[
        list[str] | None,
        typer.Argument(help="As in the search line of the pages: crashed product:MyGame from:-7d …", metavar="SEARCH"),
    ] = None,
    product: ProductOption = None,
    version: VersionOption = None,
    machine: MachineOption = None,
    status: StatusOption = None,
    start: FromOption = None,
    to: ToOption = None,
    q: TextOption = None,
    state: StateOption = None,
    state_ever: StateEverOption = None,
    contains: ContainsOption = None,
    ever_contains: EverContainsOption = None,
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

    datacat ls product:MyGame state.level=7 ever:window_state.open="space probe"

    Piped, nothing is cut, and ids are whole. --json prints one object, as the API does.

    --watch --json prints a line for each session that is new, or not what it was.
    """
    options = filter_from(
        product=product,
        version=version,
        machine=machine,
        status=status,
        start=start,
        to=to,
        q=q,
        state=state,
        state_ever=state_ever,
        contains=contains,
        ever_contains=ever_contains,
    )
    parameters = [*picked(search or (), options), ("sort", sort)]
    listing = Listing(reader_of(url, api_key), parameters, None if every else limit, page, as_json=as_json)
    if watch:
        listing.follow()
    else:
        listing.show()
