"""The shared filter as options of a command: what `--help` shows, and what they make."""

from typing import Annotated, Any

import typer

from datacat_server.cli.completing import complete_machine, complete_product, complete_status, complete_version
from datacat_server.cli.leaving import fail
from datacat_server.filters import Filter, parse_filter

ProductOption = Annotated[
    str | None,
    typer.Option("--product", help="Of this product.", metavar="NAME", autocompletion=complete_product),
]
VersionOption = Annotated[
    str | None,
    typer.Option("--version", help="Of this version.", metavar="VERSION", autocompletion=complete_version),
]
MachineOption = Annotated[
    str | None,
    typer.Option("--machine", help="Of this machine, by id or name.", metavar="NAME", autocompletion=complete_machine),
]
StatusOption = Annotated[
    str | None,
    typer.Option("--status", help="crashed, hung, ended, ever_hung ...", autocompletion=complete_status),
]
FromOption = Annotated[str | None, typer.Option("--from", help="Created then or later, UTC; -7d: ago.", metavar="TIME")]
ToOption = Annotated[str | None, typer.Option("--to", help="Created before, UTC.", metavar="TIME")]
TextOption = Annotated[str | None, typer.Option("--q", help="With this text in id, machine, reason ...")]
_PAIR = "PATH:VALUE"
StateOption = Annotated[list[str] | None, typer.Option("--state", help="The state is so now.", metavar=_PAIR)]
StateEverOption = Annotated[list[str] | None, typer.Option("--state-ever", help="It was ever so.", metavar=_PAIR)]
ContainsOption = Annotated[list[str] | None, typer.Option("--contains", help="An array there has it.", metavar=_PAIR)]
EverContainsOption = Annotated[
    list[str] | None, typer.Option("--ever-contains", help="An array there ever had it.", metavar=_PAIR)
]


def filter_from(**said: Any) -> Filter:
    """The filter that options make, by the names in an address, `start` for `from`; one that will not do ends it."""
    pairs = []
    for name, value in said.items():
        values = value if isinstance(value, list) else [value]
        pairs += [("from" if name == "start" else name, text) for text in values if text is not None]
    try:
        return parse_filter(pairs)
    except ValueError as error:
        name, _, advice = str(error).partition(":")
        fail(f"--{name.replace('_', '-')}:{advice}")
